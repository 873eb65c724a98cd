import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { dir } from 'tmp-promise';
import { cachedFilter } from '../src/filter-cache.js';
import { COMPILER_VERSION, compileSeccomp } from '../src/seccomp/compile.js';
import { defaultProfile } from '../src/seccomp/default-profile.js';
import type { Seccomp } from '../src/spec/types.js';

const TARGET = { arch: 'x64' };
const profile = defaultProfile({ capabilities: ['CAP_SYS_CHROOT'] });
const other: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
const compiled = compileSeccomp(profile, TARGET);
/** A filter that lets everything pass, stored as if it were right in all but what a test leaves wrong. */
const OPEN = Buffer.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f]);

async function folder(t: ExecutionContext): Promise<string> {
  const { path, cleanup } = await dir({ unsafeCleanup: true, mode: 0o700 });
  t.teardown(cleanup);
  return join(path, 'crt', 'filters');
}

/** The one file of a cache that has just been filled. */
function filled(t: ExecutionContext, cache: string): string {
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  const [file, ...more] = readdirSync(cache);
  t.deepEqual(more, []);
  return join(cache, file ?? '');
}

function sealed(key: string, filter: Uint8Array): Buffer {
  return Buffer.concat([filter, createHash('sha256').update(key).update(filter).digest()]);
}

test('what was compiled is kept for its owner alone, and comes back', async (t) => {
  const cache = await folder(t);
  const file = filled(t, cache);
  t.is(lstatSync(cache).mode & 0o777, 0o700);
  t.is(lstatSync(file).mode & 0o777, 0o600);
  t.is(lstatSync(file).size, compiled.length + 32);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  // That it is read at all: with the right digest anything is believed.
  writeFileSync(file, sealed(file.slice(cache.length + 1), OPEN));
  t.deepEqual(cachedFilter(profile, TARGET, cache), new Uint8Array(OPEN));
});

test('another profile, processor or way to compile is another file', async (t) => {
  const cache = await folder(t);
  cachedFilter(profile, TARGET, cache);
  for (const [given, target] of [
    [other, TARGET],
    [profile, { arch: 'arm64' }],
    [profile, { ...TARGET, newCallsAreMissing: false }],
    [defaultProfile({ capabilities: [] }), TARGET],
  ] as const)
    t.deepEqual(cachedFilter(given, target, cache), compileSeccomp(given, target));
  t.is(readdirSync(cache).length, 5);
});

test('a file that is not whole, not for this key, or not sealed is not loaded, and is replaced', async (t) => {
  const cache = await folder(t);
  const file = filled(t, cache);
  const good = readFileSync(file);
  const flipped = Buffer.from(good);
  flipped[10] = (flipped[10] ?? 0) ^ 1;
  const wrong: readonly Buffer[] = [
    Buffer.alloc(0),
    Buffer.alloc(32),
    good.subarray(0, -8),
    good.subarray(8),
    good.subarray(0, -1),
    flipped,
    OPEN,
    sealed('0'.repeat(64), OPEN),
    Buffer.concat([OPEN, Buffer.alloc(32)]),
    Buffer.alloc(8 * 4097 + 32),
  ];
  for (const content of wrong) {
    writeFileSync(file, content);
    t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
    t.deepEqual(readFileSync(file), good);
  }
  truncateSync(file, 40);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
});

test('a folder that others can write or read, or a link, is not used', async (t) => {
  const cache = await folder(t);
  const file = filled(t, cache);
  writeFileSync(file, sealed(file.slice(cache.length + 1), OPEN));
  for (const mode of [0o777, 0o770, 0o750, 0o701]) {
    chmodSync(cache, mode);
    t.deepEqual(cachedFilter(profile, TARGET, cache), compiled, mode.toString(8));
  }
  chmodSync(cache, 0o700);
  t.deepEqual(cachedFilter(profile, TARGET, cache), new Uint8Array(OPEN));
  renameSync(cache, `${cache}-real`);
  symlinkSync(`${cache}-real`, cache);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
});

test('a file that others can write, a link, a folder or a FIFO in its place is not used', async (t) => {
  const cache = await folder(t);
  const file = filled(t, cache);
  const key = file.slice(cache.length + 1);
  writeFileSync(file, sealed(key, OPEN));
  chmodSync(file, 0o666);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  rmSync(file);
  writeFileSync(join(cache, '..', 'elsewhere'), sealed(key, OPEN), { mode: 0o600 });
  symlinkSync('../elsewhere', file);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  rmSync(file);
  mkdirSync(file);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
});

(process.getuid?.() === 0 ? test : test.skip)("another user's folder or file is not used (root)", async (t) => {
  const { chownSync } = await import('node:fs');
  const cache = await folder(t);
  const file = filled(t, cache);
  writeFileSync(file, sealed(file.slice(cache.length + 1), OPEN));
  chownSync(file, 65534, 65534);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  writeFileSync(file, sealed(file.slice(cache.length + 1), OPEN));
  chownSync(cache, 65534, 65534);
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
});

test('without a cache it still compiles', async (t) => {
  const cache = await folder(t);
  t.deepEqual(cachedFilter(profile, TARGET, '/proc/self/none/filters'), compiled);
  mkdirSync(join(cache, '..'));
  writeFileSync(cache, 'a file');
  t.deepEqual(cachedFilter(profile, TARGET, cache), compiled);
  t.is(readFileSync(cache, 'utf8'), 'a file');
});

test('it does not grow without end, and leaves no temporary files', async (t) => {
  const cache = await folder(t);
  filled(t, cache);
  for (let value = 0; value < 300; value++) cachedFilter({ ...other, syscalls: [rule(value)] }, TARGET, cache);
  t.is(readdirSync(cache).length, 256);
  t.false(readdirSync(cache).some((name) => name.startsWith('.')));
  t.true(existsSync(cache));
});

function rule(value: number): NonNullable<Seccomp['syscalls']>[number] {
  return { names: ['read'], action: 'SCMP_ACT_KILL', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] };
}

test('a compiler that makes other bytes has another version', (t) => {
  const sample: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: ['read', 'write', 'socket', 'mseal'], action: 'SCMP_ACT_ALLOW' },
      ...(['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const).map((op, at) => ({
        names: ['ioctl', 'clone'],
        action: 'SCMP_ACT_ALLOW' as const,
        args: [{ index: at % 6, value: 2 ** 32 + at, valueTwo: at, op: `SCMP_CMP_${op}` as const }],
      })),
    ],
  };
  const bytes = Buffer.concat([compileSeccomp(sample, TARGET), compileSeccomp(sample, { arch: 'arm64' })]);
  const seen = [COMPILER_VERSION, createHash('sha256').update(bytes).digest('hex').slice(0, 16)];
  t.deepEqual(
    seen,
    [1, '45f36ede8397e820'],
    'raise COMPILER_VERSION, or caches go on with what older code compiled; then change this line',
  );
});
