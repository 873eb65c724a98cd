#!/usr/bin/env node
// Builds everything that a clone or a tarball needs: `node scripts/build.js [--if-needed]`.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';
import { writeManifest } from './manifest.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What the bundles, the manifest and the types are made from. */
const INPUTS = ['src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const OUTPUTS = ['dist/cli.cjs', 'dist/oclif.cjs', 'dist/index.js', 'dist/types/index.d.ts'];

/** Newest modification time under a path, in milliseconds; a folder's own time tells of files that went away. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((entry) => newest(join(path, entry))));
}

function isFresh() {
  try {
    const built = Math.min(...OUTPUTS.map((path) => statSync(join(ROOT, path)).mtimeMs));
    return built >= Math.max(...INPUTS.map((path) => newest(join(ROOT, path))));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function runIn(command, args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit' });
}

if (!process.argv.includes('--if-needed') || !isFresh()) {
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await bundle(ROOT);
  await writeManifest(ROOT);
  runIn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
}
runIn('make', ['--no-print-directory', '-C', 'helper']);
