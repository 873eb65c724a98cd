// The three bundles of dist/. Each stands alone: fewer files to open at a start, and oclif's cost only where oclif is wanted.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const SHARED = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // Identifiers stay readable: a stack trace of a root tool must be.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

// Bundled CommonJS modules call require() for Node's own modules, which an ES module does not have.
const REQUIRE = "import{createRequire as __crtRequire}from'node:module';const require=__crtRequire(import.meta.url);";

/** Builds dist/cli.js (the door), dist/oclif.js (help, and every command but run) and dist/index.js (the library). */
export async function bundle(root) {
  const options = { ...SHARED, absWorkingDir: root, nodePaths: [join(root, 'node_modules')] };
  const results = await Promise.all([
    // The door must not carry oclif: it reaches it by its path, only when it is needed.
    build({ ...options, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', external: ['node-pty', './oclif.js'] }),
    // oclif asks for typescript only to run commands from source.
    build({
      ...options,
      entryPoints: ['src/cli/oclif.ts'],
      outfile: 'dist/oclif.js',
      external: ['node-pty', 'typescript', 'ts-node'],
      banner: { js: REQUIRE },
    }),
    build({ ...options, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', packages: 'external' }),
  ]);
  writeFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(root, results));
}

/** The licence texts of all that is inside the bundles; most of them ask for this. */
function thirdPartyLicenses(root, results) {
  const inputs = results.flatMap((result) => Object.values(result.metafile.outputs).flatMap((output) => Object.keys(output.inputs)));
  const folders = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []));
  return [...folders].sort().map((folder) => licenseOf(root, folder)).join('\n');
}

function licenseOf(root, folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `(no licence file; package.json says ${license})`;
  return `${name} ${version}\n${'-'.repeat(72)}\n${text}\n`;
}
