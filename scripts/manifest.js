#!/usr/bin/env node
// oclif.manifest.json lets oclif show help without loading a command. `node scripts/manifest.js [--check]`
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

const FILE = 'oclif.manifest.json';

/** The manifest of the commands in dist/oclif.cjs, as text. */
export async function renderManifest(root) {
  const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return `${JSON.stringify(plugin.manifest, undefined, 2)}\n`;
}

export async function writeManifest(root) {
  writeFileSync(join(root, FILE), await renderManifest(root));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  if (!process.argv.includes('--check')) await writeManifest(root);
  else if (readFileSync(join(root, FILE), 'utf8') !== (await renderManifest(root))) {
    console.error(`${FILE} is not what the commands say: run npm run build and commit it`);
    process.exitCode = 1;
  }
}
