// The three bundles of dist/. Each stands alone: fewer files to open at a start, and oclif's cost only where oclif is wanted.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const SHARED = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Identifiers stay readable: a stack trace of a root tool must be.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

// The command line is CommonJS: `require('node:fs')` costs nothing, where an import makes Node fill in every export of it,
// streams and promises included, and starts the ES module loader: together 10 ms of a start (docs/decisions).
const COMMON = {
  ...SHARED,
  format: 'cjs',
  // bin/compiled-code.js: V8 keeps no code that imports.
  supported: { 'dynamic-import': false },
  banner: { js: "const __crtUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': '__crtUrl' },
};

/** The door reaches oclif by its path, only when it is needed. */
const oclifOutside = {
  name: 'oclif-outside',
  setup: ({ onResolve }) => onResolve({ filter: /^\.\/oclif\.js$/ }, () => ({ path: './oclif.cjs', external: true })),
};

/** Builds dist/cli.cjs (the door), dist/oclif.cjs (help, and every command but run) and dist/index.js (the library). */
export async function bundle(root) {
  const common = { ...COMMON, absWorkingDir: root };
  const results = await Promise.all([
    build({
      ...common,
      entryPoints: ['src/cli/main.ts'],
      outfile: 'dist/cli.cjs',
      external: ['node-pty'],
      plugins: [oclifOutside],
    }),
    // oclif asks for typescript and ts-node only to run commands from source.
    build({ ...common, entryPoints: ['src/cli/oclif.ts'], outfile: 'dist/oclif.cjs', external: ['node-pty', 'typescript', 'ts-node'] }),
    // On lines of its own: an error that nobody catches shows one.
    build({
      ...SHARED,
      minifyWhitespace: false,
      format: 'esm',
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      outfile: 'dist/index.js',
      packages: 'external',
    }),
  ]);
  writeFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(root, results));
}

/** The licence texts of all that is inside the bundles; most of them ask for this. */
function thirdPartyLicenses(root, results) {
  const inputs = results.flatMap((result) => Object.values(result.metafile.outputs).flatMap((output) => Object.keys(output.inputs)));
  const folders = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []));
  return [...folders]
    .sort()
    .map((folder) => licenseOf(root, folder))
    .join('\n');
}

function licenseOf(root, folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `(no licence file; package.json says ${license})`;
  return `${name} ${version}\n${'-'.repeat(72)}\n${text}\n`;
}
