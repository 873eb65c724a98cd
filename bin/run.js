#!/bin/sh
":" //; exec node -- "$0" "$@" # Node 20 takes an --env-file for its own wherever it stands, unless after this --.

// CommonJS (bin/package.json): without the loader of ES modules a start is 10 ms shorter.
const { lstatSync, mkdirSync } = require('node:fs');
const module_ = require('node:module');
const { pathToFileURL } = require('node:url');

/**
 * Compiled code is kept for the next start (Node 22.8 and later). Root's must lie where nobody else writes, which Node's default
 * folder, under /tmp, does not promise; other users get none. Anything amiss costs a few milliseconds, no more.
 */
function keepCompiledCode() {
  const folder = '/var/cache/crt';
  if (process.getuid?.() !== 0 || !module_.enableCompileCache) return;
  const stat = lstatSync(folder, { throwIfNoEntry: false }) ?? made(folder);
  if (stat?.isDirectory() && stat.uid === 0 && (stat.mode & 0o077) === 0) module_.enableCompileCache(folder);
}

function made(folder) {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return lstatSync(folder);
  } catch {
    return undefined;
  }
}

/** @throws what Node throws, but for a clone that was never built, which says so. */
function load() {
  try {
    return require('../dist/cli.cjs');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    console.error('crt: this clone is not built yet\n     npm ci');
    process.exit(125);
  }
}

keepCompiledCode();
const { main } = load();
main(process.argv.slice(2), new URL('..', pathToFileURL(__filename)));
