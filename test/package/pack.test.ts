import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { dir } from 'tmp-promise';
import { PATIENCE } from '../in-time.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  scripts: Record<string, string>;
};

/** Packs what is built and unpacks it, as npm does on another machine; without the dependencies. */
async function unpacked(use: (folder: string, files: readonly string[]) => void): Promise<void> {
  const { path, cleanup } = await dir({ unsafeCleanup: true });
  try {
    const said = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', path], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PATIENCE,
    });
    const pack = Object.values(JSON.parse(said) as Record<string, { filename: string; files: { path: string }[] }>)[0];
    if (pack === undefined) throw new Error(`npm pack said ${said}`);
    execFileSync('tar', ['xf', join(path, pack.filename), '-C', path]);
    use(
      join(path, 'package'),
      pack.files.map((file) => file.path),
    );
  } finally {
    await cleanup();
  }
}

test('the tarball carries all that a machine without a compiler needs, and no sources', async (t) => {
  await unpacked((folder, files) => {
    for (const file of [
      'bin/run.js',
      'bin/compiled-code.js',
      'bin/package.json',
      'dist/cli.cjs',
      'dist/oclif.cjs',
      'dist/index.js',
      'dist/types/index.d.ts',
      'dist/THIRD-PARTY-LICENSES.txt',
      'helper/crt-init',
      'oclif.manifest.json',
      'LICENSE',
    ]) {
      t.true(files.includes(file), file);
    }
    t.deepEqual(
      files.filter((file) => /^(src|test|bench|scripts|\.ci)\/|^helper\/.*\.[cho]$/.test(file)),
      [],
    );
    t.is(statSync(join(folder, 'helper/crt-init')).mode & 0o111, 0o111);
    t.is(statSync(join(folder, 'bin/run.js')).mode & 0o111, 0o111);
  });
});

test('unpacked it runs, without any dependency', async (t) => {
  await unpacked((folder) => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--', join(folder, 'bin/run.js'), ...args], { encoding: 'utf8', input: '', timeout: PATIENCE });
    t.is(run('--version').stdout, `crt ${version}\n`);
    t.regex(run('--help').stdout, /^EXAMPLES/);
    t.regex(run('rm', 'no-such-container').stderr, /no container named "no-such-container"/);
  });
});

test('the bundles import nothing while they run', (t) => {
  for (const file of ['cli.cjs', 'oclif.cjs']) t.notRegex(readFileSync(join(root, 'dist', file), 'utf8'), /\bimport\([^)]/, file);
});

test('nothing of ours has to run when the tarball is installed', (t) => {
  for (const name of ['preinstall', 'install', 'postinstall']) t.is(scripts[name], undefined);
});
