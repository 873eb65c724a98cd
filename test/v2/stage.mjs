// Writes the tree that the guest sees as /project. TypeScript is compiled file by file, so that an emulated Node
// has nothing to compile and every import and import.meta.url still points to the same place.
//
//   node test/v2/stage.mjs DIR
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const repo = resolve(import.meta.dirname, '../..');
const stage = process.argv[2];
if (stage === undefined) throw new Error('usage: node test/v2/stage.mjs DIR');

// Only the host compiles and lints.
const hostOnly = new Set(['.bin', '.cache', '.package-lock.json', '@biomejs', '@esbuild', '@types', 'esbuild', 'tsx', 'typescript']);
const nativePackage = 'node-pty';

function copy(path) {
  if (existsSync(join(repo, path))) cpSync(join(repo, path), join(stage, path), { recursive: true, dereference: false });
}

function filesUnder(folder) {
  return readdirSync(join(repo, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function compile() {
  const sources = [...filesUnder('src'), ...filesUnder('test')].filter((file) => /(?<!\.d)\.ts$/.test(file));
  await build({
    entryPoints: sources,
    outbase: repo,
    outdir: stage,
    bundle: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

function copyModules() {
  for (const name of readdirSync(join(repo, 'node_modules'))) {
    if (!hostOnly.has(name) && name !== nativePackage) copy(join('node_modules', name));
  }
  // Beside its sources and the builds for other systems it is two megabytes of sixty.
  for (const part of ['package.json', 'lib', 'build/Release/pty.node']) copy(join('node_modules', nativePackage, part));
}

// The same test settings but for the compiler and the linter, which the guest does not have.
function writePackageJson() {
  const manifest = JSON.parse(readFileSync(join(repo, 'package.json'), 'utf8'));
  const { extensions, nodeArguments, timeout, require, ...settings } = manifest.ava;
  manifest.ava = {
    ...settings,
    extensions: ['js'],
    require: require.map((file) => file.replace(/\.ts$/, '.js')),
    files: ['test/**/*.test.js', '!test/package/**', 'test/v2/guest-check.js'],
    timeout: '20m',
  };
  writeFileSync(join(stage, 'package.json'), JSON.stringify(manifest, null, 2));
}

// Snapshots belong to a test file by its name.
function copySnapshots() {
  for (const file of filesUnder('test')) {
    const target = join(stage, dirname(file).slice(repo.length), basename(file).replace(/\.ts\.(md|snap)$/, '.js.$1'));
    if (target.endsWith('.js.md') || target.endsWith('.js.snap')) cpSync(file, target);
  }
}

mkdirSync(stage, { recursive: true });
for (const path of ['bin', 'dist', 'docs', 'helper', 'oclif.manifest.json', 'src', 'test']) copy(path);
await compile();
copyModules();
copySnapshots();
writePackageJson();
