import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { dir } from 'tmp-promise';

const root = fileURLToPath(new URL('../..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

/** Lints a scratch tree with the project's rules and answers the rules that were broken, as `file rule`. */
async function lint(files: Record<string, string>): Promise<string[]> {
  const { path, cleanup } = await dir({ unsafeCleanup: true });
  try {
    cpSync(join(root, 'biome.json'), join(path, 'biome.json'));
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), content);
    }
    const { stdout } = spawnSync(biome, ['lint', '--reporter=github', '--max-diagnostics=none', 'src'], { cwd: path, encoding: 'utf8' });
    const found = [...stdout.matchAll(/title=lint\/\w+\/(\w+),file=([^,]+)/g)].map(
      ([, rule, file]) => `${relative(realpathSync(path), file ?? '')} ${rule}`,
    );
    return [...new Set(found)].sort();
  } finally {
    await cleanup();
  }
}

test('an import that runs upward is an error', async (t) => {
  const found = await lint({
    'src/run.ts': 'export const run = 1;\n',
    'src/index.ts': "export * from './run.js';\n",
    'src/spec/a.ts': "import { run } from '../run.js';\n\nexport const a = run;\n",
    'src/state/b.ts': "import { run } from '../index.js';\n\nexport const b = run;\n",
    'src/commands/c.ts': "import { run } from '../run.js';\n\nexport const c = run;\n",
    'src/doctor/d.ts': "import { run } from '../index.js';\n\nexport const d = run;\n",
    'src/doctor/checks/e.ts': "import { c } from '../../commands/c.js';\n\nexport const e = c;\n",
    'src/verify/checks/g.ts': "import { run } from '../../index.js';\n\nexport const g = run;\n",
    'src/judge.ts': "import { d } from './doctor/d.js';\n\nexport const judge = d;\n",
    'src/host/f.ts': "import { d } from '../doctor/d.js';\n\nexport const f = d;\n",
  });
  t.deepEqual(
    found,
    ['commands/c', 'doctor/checks/e', 'doctor/d', 'host/f', 'judge', 'spec/a', 'state/b', 'verify/checks/g'].map(
      (file) => `src/${file}.ts noRestrictedImports`,
    ),
  );
});

test('a pure folder knows no file system, and only launch starts processes', async (t) => {
  const found = await lint({
    'src/plan/a.ts': "import { readFileSync } from 'node:fs';\n\nexport const a = readFileSync;\n",
    'src/device-filter/a.ts': "import { readFileSync } from 'node:fs';\n\nexport const a = readFileSync;\n",
    'src/state/b.ts': "import { spawn } from 'node:child_process';\n\nexport const b = spawn;\n",
    'src/launch/c.ts': "import { spawn } from 'node:child_process';\n\nexport const c = spawn;\n",
    'src/doctor/checks/d.ts': "import { spawn } from 'node:child_process';\n\nexport const d = spawn;\n",
    'src/verify/e.ts': "import { spawn } from 'node:child_process';\n\nexport const e = spawn;\n",
  });
  t.deepEqual(found, [
    'src/device-filter/a.ts noRestrictedImports',
    'src/doctor/checks/d.ts noRestrictedImports',
    'src/plan/a.ts noRestrictedImports',
    'src/state/b.ts noRestrictedImports',
    'src/verify/e.ts noRestrictedImports',
  ]);
});

test('a cycle of imports is an error', async (t) => {
  const found = await lint({
    'src/state/a.ts': "import { b } from './b.js';\n\nexport const a = () => b;\n",
    'src/state/b.ts': "import { a } from './a.js';\n\nexport const b = () => a;\n",
  });
  t.deepEqual(found, ['src/state/a.ts noImportCycles', 'src/state/b.ts noImportCycles']);
});

test('imports that run downward are fine', async (t) => {
  const found = await lint({
    'src/errors.ts': 'export const error = 1;\n',
    'src/spec/a.ts': "import { error } from '../errors.js';\n\nexport const a = error;\n",
    'src/plan/b.ts': "import { a } from '../spec/a.js';\n\nexport const b = a;\n",
    'src/run.ts': "import { b } from './plan/b.js';\n\nexport const run = b;\n",
    'src/doctor/checks/e.ts': "import { b } from '../../plan/b.js';\nimport { run } from '../../run.js';\n\nexport const e = [b, run];\n",
    'src/index.ts': "export { e } from './doctor/checks/e.js';\nexport { run } from './run.js';\n",
    'src/cli/c.ts': "import { run } from '../index.js';\n\nexport const c = run;\n",
    'src/commands/d.ts': "import { c } from '../cli/c.js';\nimport { run } from '../index.js';\n\nexport const d = [c, run];\n",
  });
  t.deepEqual(found, []);
});

test('the rules name every folder of src', (t) => {
  const config = readFileSync(join(root, 'biome.json'), 'utf8');
  const entries = readdirSync(join(root, 'src'), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  t.true(folders.length > 5);
  for (const folder of folders) t.true(config.includes(`"src/${folder}/**"`), `src/${folder} has no import rule in biome.json`);
});
