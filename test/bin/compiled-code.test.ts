import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { dir } from 'tmp-promise';
import { exited, PATIENCE } from '../in-time.js';

const compiledCode = fileURLToPath(new URL('../../bin/compiled-code.js', import.meta.url));
const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** Loads a bundle as bin/run.js does, and tells what it said and what became of the code that was kept. */
const DRIVER = `
const vm = require('node:vm');
const code = [];
const { Script } = vm;
vm.Script = class extends Script {
  constructor(text, options) {
    super(text, options);
    code.push(options.cachedData === undefined ? 'none' : this.cachedDataRejected ? 'rejected' : 'used');
  }
};
const [how, folder, bundle, ...line] = process.argv.splice(2);
process.argv.push(...line);
require(${JSON.stringify(compiledCode)})[how]?.(folder, require('node:path').dirname(bundle));
const said = require(bundle);
process.stdout.write(JSON.stringify({ said, code }));
`;

/** How a bundle is loaded: as bin/run.js does for root, without looking at folder and user, or by Node alone. */
type How = 'keepBundles' | 'keepCompiledCode' | 'plain';

class Place {
  readonly #root: string;
  readonly folder: string;
  readonly bundle: string;

  constructor(root: string) {
    this.#root = root;
    this.folder = join(root, 'kept');
    this.bundle = join(root, 'bundle.cjs');
    mkdirSync(this.folder, { mode: 0o700 });
    writeFileSync(join(root, 'driver.js'), DRIVER);
  }

  get words(): readonly string[] {
    return [join(this.#root, 'driver.js'), 'keepBundles', this.folder, this.bundle];
  }

  start(how: How = 'keepBundles', ...more: readonly string[]): { said: unknown; code: readonly string[] } {
    const words = [join(this.#root, 'driver.js'), how, this.folder, this.bundle, ...more];
    return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: PATIENCE })) as ReturnType<Place['start']>;
  }

  /** The one file that is kept. */
  file(t: ExecutionContext): string {
    const [file, ...more] = readdirSync(this.folder);
    t.deepEqual(more, []);
    return join(this.folder, file ?? '');
  }
}

async function place(t: ExecutionContext, source = "module.exports = (() => 'old')();\n"): Promise<Place> {
  const { path, cleanup } = await dir({ unsafeCleanup: true, mode: 0o700 });
  t.teardown(cleanup);
  const made = new Place(path);
  writeFileSync(made.bundle, source);
  return made;
}

/** Code as it is kept, with the digest that makes it whole. */
function sealed(source: string, code: Buffer): Buffer {
  return Buffer.concat([code, createHash('sha256').update(source).update(code).digest()]);
}

test('what was compiled is kept for its owner alone, and the next start uses it and writes nothing', async (t) => {
  const at = await place(t);
  t.deepEqual(at.start(), { said: 'old', code: ['none'] });
  const file = at.file(t);
  const before = lstatSync(file);
  t.is(before.mode & 0o777, 0o600);
  t.deepEqual(at.start(), { said: 'old', code: ['used'] });
  const after = lstatSync(at.file(t));
  t.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
});

test('code of a bundle that has changed does not run, whatever its length and its time', async (t) => {
  const at = await place(t);
  at.start();
  const { atime, mtime } = statSync(at.bundle);
  writeFileSync(at.bundle, readFileSync(at.bundle, 'utf8').replace('old', 'new'));
  utimesSync(at.bundle, atime, mtime);
  t.deepEqual(at.start(), { said: 'new', code: ['none'] });
  t.deepEqual(at.start(), { said: 'new', code: ['used'] });
  at.file(t);
});

test('code that is not whole, or not of this bundle, does no harm and is replaced', async (t) => {
  const at = await place(t);
  at.start();
  const file = at.file(t);
  const good = readFileSync(file);
  const source = readFileSync(at.bundle, 'utf8');
  const code = good.subarray(0, -32);
  t.deepEqual(good, sealed(source, code));
  const flipped = Buffer.from(good);
  flipped[good.length >> 1] = (flipped[good.length >> 1] ?? 0) ^ 1;
  for (const content of [
    Buffer.alloc(0),
    Buffer.alloc(20),
    good.subarray(0, -1),
    good.subarray(0, good.length >> 1),
    flipped,
    sealed(source.replace('old', 'new'), code),
    Buffer.concat([good, Buffer.alloc(17 << 20)]),
  ]) {
    writeFileSync(file, content);
    t.deepEqual(at.start(), { said: 'old', code: ['none'] });
    t.deepEqual(at.start(), { said: 'old', code: ['used'] });
  }
  // Whole, and V8 does not want it: of another V8, for example.
  writeFileSync(file, sealed(source, Buffer.alloc(1000, 7)));
  t.deepEqual(at.start(), { said: 'old', code: ['rejected'] });
  t.deepEqual(at.start(), { said: 'old', code: ['used'] });
});

test('a link, a FIFO, a folder, and a file that others can read or write are not used', async (t) => {
  const at = await place(t);
  at.start();
  const file = at.file(t);
  for (const mode of [0o644, 0o620, 0o602]) {
    chmodSync(file, mode);
    t.deepEqual(at.start(), { said: 'old', code: ['none'] }, mode.toString(8));
    t.deepEqual(at.start(), { said: 'old', code: ['used'] });
  }
  const elsewhere = join(at.folder, '..', 'elsewhere');
  renameSync(file, elsewhere);
  const good = readFileSync(elsewhere);
  symlinkSync(elsewhere, file);
  t.deepEqual(at.start(), { said: 'old', code: ['none'] });
  t.deepEqual(readFileSync(elsewhere), good);
  rmSync(file);
  execFileSync('mkfifo', ['-m', '600', file]);
  t.deepEqual(at.start(), { said: 'old', code: ['none'] });
  rmSync(file);
  mkdirSync(file);
  t.deepEqual(at.start(), { said: 'old', code: ['none'] });
  t.is(at.file(t), file);
});

asRoot("another user's file is not used", async (t) => {
  const at = await place(t);
  at.start();
  chownSync(at.file(t), 65534, 65534);
  t.deepEqual(at.start(), { said: 'old', code: ['none'] });
});

asRoot('a folder that others can look into, a link, or of another user stays as it is, and what lies in it is not used', async (t) => {
  const at = await place(t);
  at.start('keepCompiledCode');
  t.deepEqual(at.start('keepCompiledCode').code, ['used']);
  const before = readdirSync(at.folder);
  const otherwise = (why: string): void => {
    for (const words of [[], ['run']]) t.deepEqual(at.start('keepCompiledCode', ...words), { said: 'old', code: [] }, why);
    t.deepEqual(readdirSync(at.folder), before, why);
  };
  for (const mode of [0o777, 0o1777, 0o770, 0o750, 0o701]) {
    chmodSync(at.folder, mode);
    otherwise(mode.toString(8));
  }
  chmodSync(at.folder, 0o700);
  chownSync(at.folder, 65534, 65534);
  otherwise('of another user');
  chownSync(at.folder, 0, 0);
  renameSync(at.folder, `${at.folder}-real`);
  symlinkSync(`${at.folder}-real`, at.folder);
  otherwise('a link');
});

test('a start that failed keeps nothing', async (t) => {
  const at = await place(t, "process.exitCode = 1;\nmodule.exports = 'failed';\n");
  t.throws(() => at.start());
  t.deepEqual(readdirSync(at.folder), []);
});

test('a stack trace names file, line and column as ever', async (t) => {
  const at = await place(
    t,
    'const trace = () => new Error("here").stack; const first = trace();\n\n  module.exports = [first, trace()];\n',
  );
  const own = (stack: string): readonly string[] => stack.split('\n').filter((line) => line.includes(at.bundle));
  const [expected = [], none = [], used = []] = (['plain', 'keepBundles', 'keepBundles'] as const).map((how) =>
    (at.start(how).said as readonly string[]).map(own),
  );
  t.true(expected[0]?.[0]?.includes(`${at.bundle}:1:`));
  t.true(expected[1]?.[1]?.includes(`${at.bundle}:3:`));
  t.deepEqual([none, used], [expected, expected]);
});

test('a bundle has its own names, and requires by its own path', async (t) => {
  const at = await place(
    t,
    `'use strict';
module.exports = [__filename, __dirname, module.filename, require('./other.cjs'), require.resolve('./other.cjs'),
  this === exports, (function () { return this; })() === undefined];
`,
  );
  writeFileSync(join(at.bundle, '..', 'other.cjs'), "exports.other = require('./bundle.cjs') !== undefined;\n");
  const expected = at.start('plain').said;
  t.deepEqual(at.start(), { said: expected, code: ['none', 'none'] });
  t.deepEqual(at.start(), { said: expected, code: ['used', 'used'] });
});

test('a command that needs other functions has a file of its own, and one that may do little leaves none', async (t) => {
  const at = await place(t);
  for (const words of [[], ['run', 'box'], ['exec', 'box']]) {
    t.deepEqual(at.start('keepBundles', ...words, '--help').code, ['none']);
    t.deepEqual(at.start('keepBundles', ...words).code, ['none']);
    t.deepEqual(at.start('keepBundles', ...words).code, ['used']);
  }
  for (const words of [
    ['another', '--dry-run'],
    ['box', 'exec', 'undo'],
  ])
    t.deepEqual(at.start('keepBundles', 'run', ...words).code, ['used']);
  t.is(readdirSync(at.folder).length, 3);
});

test('what is no bundle is loaded by whoever loads it otherwise', async (t) => {
  const at = await place(
    t,
    "module.exports = require('./elsewhere/other.cjs').then(({ sep }) => sep);\nmodule.exports = require('./elsewhere/other.cjs').said;\n",
  );
  mkdirSync(join(at.bundle, '..', 'elsewhere'));
  writeFileSync(
    join(at.bundle, '..', 'elsewhere', 'other.cjs'),
    "module.exports = import('node:path');\nmodule.exports.said = 'imports';\n",
  );
  for (const code of ['none', 'used']) t.deepEqual(at.start(), { said: 'imports', code: [code] });
  at.file(t);
});

test('nothing is kept or used while it is counted what runs', async (t) => {
  const at = await place(t);
  at.start();
  const before = lstatSync(at.file(t)).mtimeMs;
  const env = { ...process.env, NODE_V8_COVERAGE: join(at.folder, '..', 'coverage') };
  const said = execFileSync(process.execPath, at.words, { encoding: 'utf8', env, timeout: PATIENCE });
  t.deepEqual(JSON.parse(said), { said: 'old', code: [] });
  t.is(lstatSync(at.file(t)).mtimeMs, before);
});

test('the folder does not grow without end, and others keep their files', async (t) => {
  const at = await place(t);
  const old = new Date('2020-01-01');
  for (let i = 0; i < 40; i++) {
    const file = join(at.folder, `other.cjs-v20.0.0-${i}.code${i % 2 === 0 ? '' : '.4711'}`);
    writeFileSync(file, '');
    utimesSync(file, old, new Date(old.getTime() + i * 1000));
  }
  writeFileSync(join(at.folder, 'foreign'), '');
  at.start();
  const files = readdirSync(at.folder);
  t.is(files.length, 25);
  t.true(files.includes('foreign'));
  t.true(files.includes('other.cjs-v20.0.0-39.code.4711') && !files.includes('other.cjs-v20.0.0-16.code'));
  t.deepEqual(at.start().code, ['used']);
});

test('of many first starts at once each does its work, and one file is left', async (t) => {
  const at = await place(t);
  appendFileSync(at.bundle, `// ${'x'.repeat(1 << 20)}\n`);
  const starts = Array.from({ length: 8 }, () => spawn(process.execPath, at.words, { stdio: 'ignore' }));
  const ends = await Promise.all(starts.map((child) => exited(child)));
  t.deepEqual(
    ends,
    starts.map(() => [0, null]),
  );
  at.file(t);
  t.deepEqual(at.start().code, ['used']);
});
