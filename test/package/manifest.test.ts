import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { renderManifest } from '../../scripts/manifest.js';

const root = new URL('../..', import.meta.url);

test('oclif.manifest.json is what the commands say', async (t) => {
  t.is(readFileSync(new URL('oclif.manifest.json', root), 'utf8'), await renderManifest(fileURLToPath(root)));
});
