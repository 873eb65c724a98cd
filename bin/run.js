#!/usr/bin/env node
import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';

/**
 * Compiled code is kept for the next start. Root's must lie where nobody else writes, which Node's default folder (under /tmp)
 * does not promise; other users get none. Anything amiss only costs a few milliseconds.
 */
function keepCompiledCode() {
  const folder = '/var/cache/crt';
  if (process.getuid?.() !== 0 || !module.enableCompileCache) return;
  const stat = lstatSync(folder, { throwIfNoEntry: false }) ?? made(folder);
  if (stat?.isDirectory() && stat.uid === 0 && (stat.mode & 0o077) === 0) module.enableCompileCache(folder);
}

function made(folder) {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return lstatSync(folder);
  } catch {
    return undefined;
  }
}

keepCompiledCode();
const { main } = await import('../dist/cli.js');
await main(process.argv.slice(2), new URL('..', import.meta.url));
