#!/usr/bin/env node
// crt from its TypeScript sources, without a build (the helper apart: make -C helper).
const { pathToFileURL } = require('node:url');

async function start() {
  const { register } = await import('tsx/esm/api');
  register();
  const { main } = await import('../src/cli/main.ts');
  await main(process.argv.slice(2), new URL('..', pathToFileURL(__filename)));
}

start();
