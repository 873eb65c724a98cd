import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { NEWEST_CALL, syscallNumbers } from '../../src/seccomp/syscalls.js';

const script = fileURLToPath(new URL('../../scripts/syscalls.js', import.meta.url));
const hasHeaders = existsSync('/usr/include/x86_64-linux-gnu/asm/unistd_64.h') && spawnSync('cc', ['--version']).status === 0;

(hasHeaders ? test : test.skip)(
  `the table agrees with the kernel's headers${hasHeaders ? '' : ' (linux-libc-dev or a C compiler is not installed)'}`,
  (t) => {
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    t.is(status, 0, stderr);
  },
);

test('numbers that everyone knows', (t) => {
  const of = (arch: Parameters<typeof syscallNumbers>[0], ...names: string[]): unknown[] =>
    names.map((name) => syscallNumbers(arch).get(name));
  t.deepEqual(of('x86_64', 'read', 'execve', 'clone', 'openat', 'statx', 'clone3', 'file_setattr'), [
    0,
    59,
    56,
    257,
    332,
    435,
    NEWEST_CALL,
  ]);
  t.deepEqual(
    of('aarch64', 'read', 'execve', 'clone', 'openat', 'statx', 'clone3', 'renameat', 'newfstatat'),
    [63, 221, 220, 56, 291, 435, 38, 79],
  );
  t.deepEqual(of('i386', 'read', 'execve', 'socketcall', 'clone3'), [3, 11, 102, 435]);
  t.deepEqual(of('x32', 'read', 'execve', 'ioctl'), [0x40000000, 0x40000208, 0x40000202]);
  t.deepEqual(of('aarch64', 'open', 'fork', 'arch_prctl', 'syscalls'), [undefined, undefined, undefined, undefined]);
});

test('no number is there twice, but for the names that one call has', (t) => {
  for (const arch of ['x86_64', 'x32', 'i386', 'aarch64'] as const) {
    const numbers = [...syscallNumbers(arch).values()];
    t.true(numbers.length > 300 && numbers.every(Number.isSafeInteger));
    t.is(new Set(numbers).size, numbers.length, arch);
  }
});
