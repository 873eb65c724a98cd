#!/bin/sh
":" //; exec node -- "$0" "$@" # Node 20 takes an --env-file for its own wherever it stands, unless after this --.

// CommonJS (bin/package.json): without the loader of ES modules a start is 10 ms shorter.
const { pathToFileURL } = require('node:url');
const { keepCompiledCode } = require('./compiled-code.js');

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

keepCompiledCode('/var/cache/crt');
const { main } = load();
main(process.argv.slice(2), new URL('..', pathToFileURL(__filename)));
