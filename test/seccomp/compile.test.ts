import test from 'ava';
import { UserError } from '../../src/errors.js';
import { compileSeccomp, filterFlags } from '../../src/seccomp/compile.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import type { Seccomp, SeccompArg, SeccompRule } from '../../src/spec/types.js';
import { AUDIT, check, execute } from './bpf.js';
import { ALLOW, ENOSYS, EPERM, run } from './decide.js';

const LOG = 0x7ffc0000;
const allow = (names: string[], ...args: SeccompArg[]): SeccompRule => ({ names, action: 'SCMP_ACT_ALLOW', args });
const deny = (syscalls: SeccompRule[], more: Partial<Seccomp> = {}): Seccomp => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls, ...more });
const compiled = (profile: Seccomp): Uint8Array => compileSeccomp(profile, { arch: 'x64' });

test('calls newer than any that the profile names are missing, older ones get the default errno', (t) => {
  const filter = compiled(deny([allow(['read', 'openat2'])], { defaultErrnoRet: 13 }));
  t.is(run(filter, 'x86_64', 'read').verdict, ALLOW);
  for (const name of ['write', 'io_uring_setup', 'clone3']) t.is(run(filter, 'x86_64', name).verdict, 0x5000d, name);
  for (const name of ['pidfd_getfd', 'futex_waitv', 'cachestat', 'file_setattr']) t.is(run(filter, 'x86_64', name).verdict, ENOSYS, name);
  t.is(execute(filter, { nr: 1000, arch: AUDIT.x86_64, args: [] }).verdict, ENOSYS);
});

test('a profile of old calls only loses nothing of what is older than the common numbers', (t) => {
  const filter = compiled(deny([allow(['read'])]));
  for (const [name, nr] of syscallNumbers('x86_64'))
    t.is(run(filter, 'x86_64', name).verdict, name === 'read' ? ALLOW : nr < 424 ? EPERM : ENOSYS, name);
});

test('where the default kills, or lets pass, or where it is asked, nothing is missing', (t) => {
  const last = { nr: 5000, arch: AUDIT.x86_64, args: [] };
  t.is(execute(compiled({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }), last).verdict, 0x80000000);
  t.is(execute(compiled({ defaultAction: 'SCMP_ACT_ALLOW' }), last).verdict, ALLOW);
  t.is(execute(compileSeccomp(deny([]), { arch: 'x64', newCallsAreMissing: false }), last).verdict, EPERM);
});

test('an architecture that is not listed is never a way through', (t) => {
  const open: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
  const call = { nr: 3, arch: AUDIT.i386, args: [] };
  const x32 = { nr: 0x40000000, arch: AUDIT.x86_64, args: [] };
  for (const each of [call, x32]) t.is(execute(compiled(open), each).verdict, ENOSYS);
  t.is(execute(compiled({ ...open, architectures: ['SCMP_ARCH_X86'] }), call).verdict, ALLOW);
  t.is(execute(compiled({ ...open, architectures: ['SCMP_ARCH_X86'] }), x32).verdict, ENOSYS);
  t.is(execute(compiled({ ...open, architectures: ['SCMP_ARCH_X32'] }), x32).verdict, ALLOW);
  t.is(execute(compiled({ defaultAction: 'SCMP_ACT_KILL' }), call).verdict, 0);
  t.is(execute(compiled({ defaultAction: 'SCMP_ACT_TRAP' }), call).verdict, 0x30000);
  // Foreign to this machine, or without a table here: listed, and still blocked.
  const many = compiled({ ...open, architectures: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_MIPS'] });
  for (const arch of [AUDIT.aarch64, 0x40000028, 0x8]) t.is(execute(many, { nr: 0, arch, args: [] }).verdict, ENOSYS);
});

test('a call that a tracer skipped gets the default action, so that its answer stands', (t) => {
  for (const [profile, verdict] of [
    [deny([]), EPERM],
    [{ defaultAction: 'SCMP_ACT_ALLOW' }, ALLOW],
  ] as const)
    t.is(execute(compiled(profile), { nr: 0xffffffff, arch: AUDIT.x86_64, args: [] }).verdict, verdict);
});

test('a rule without arguments beats those with arguments, whichever comes first', (t) => {
  const strict: SeccompRule = { names: ['ioctl'], action: 'SCMP_ACT_KILL', args: [{ index: 1, value: 5, op: 'SCMP_CMP_EQ' }] };
  for (const rules of [
    [strict, allow(['ioctl'])],
    [allow(['ioctl']), strict],
  ])
    t.is(run(compiled(deny(rules)), 'x86_64', 'ioctl', 0, 5).verdict, ALLOW);
});

test('of rules with arguments that contradict each other the strictest counts', (t) => {
  const rules = (['SCMP_ACT_ALLOW', 'SCMP_ACT_KILL', 'SCMP_ACT_LOG'] as const).map(
    (action, at): SeccompRule => ({ names: ['read'], action, args: [{ index: 0, value: at + 2, op: 'SCMP_CMP_GE' }] }),
  );
  for (const order of [rules, rules.toReversed()]) {
    const filter = compiled(deny(order));
    t.deepEqual(
      [1, 2, 3, 4].map((value) => run(filter, 'x86_64', 'read', value).verdict),
      [EPERM, ALLOW, 0, 0],
    );
  }
});

test('two comparisons of one argument are two rules, as in runc and crun', (t) => {
  const filter = compiled(deny([allow(['read'], { index: 0, value: 5, op: 'SCMP_CMP_GE' }, { index: 0, value: 3, op: 'SCMP_CMP_LE' })]));
  t.deepEqual(
    [3, 4, 5].map((value) => run(filter, 'x86_64', 'read', value).verdict),
    [ALLOW, EPERM, ALLOW],
  );
});

test('values are exact to 64 bits', (t) => {
  const equal = (value: number | bigint): Uint8Array => compiled(deny([allow(['read'], { index: 5, value, op: 'SCMP_CMP_EQ' })]));
  for (const value of [2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 64n - 1n, 2 ** 32, 2n ** 63n]) {
    const filter = equal(value);
    for (const offset of [-1n, 0n, 1n]) {
      const given = (BigInt(value) + offset) & (2n ** 64n - 1n);
      t.is(run(filter, 'x86_64', 'read', 0, 0, 0, 0, 0, given).verdict, offset === 0n ? ALLOW : EPERM, `${value} + ${offset}`);
    }
  }
});

test('sockets of 32-bit programs are filtered in socketcall too', (t) => {
  const listed = { architectures: ['SCMP_ARCH_X86'] };
  const filter = compiled(deny([allow(['connect', 'semop'])], listed));
  t.is(run(filter, 'i386', 'socketcall', 3).verdict, ALLOW);
  t.is(run(filter, 'i386', 'socketcall', 1).verdict, EPERM);
  t.is(run(filter, 'i386', 'ipc', 1).verdict, ALLOW);
  const byFamily = compiled(deny([allow(['socket'], { index: 0, value: 1, op: 'SCMP_CMP_EQ' })], listed));
  t.is(run(byFamily, 'i386', 'socket', 1).verdict, ALLOW);
  t.is(run(byFamily, 'i386', 'socketcall', 1).verdict, EPERM);
  const noVsock: SeccompRule = { names: ['socket'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 40, op: 'SCMP_CMP_EQ' }] };
  const refusing = compiled({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [noVsock], ...listed });
  t.is(run(refusing, 'i386', 'socketcall', 1).verdict, EPERM);
  t.is(run(refusing, 'i386', 'socketcall', 2).verdict, ALLOW);
});

/** Many comparisons for each of many calls, so that ends and branches are farther away than a byte counts. */
function large(calls: number, values: number): Seccomp {
  const names = [...syscallNumbers('x86_64').keys()].slice(0, calls);
  const rules = names.map((name, at) =>
    Array.from({ length: values }, (_, value) => allow([name], { index: at % 6, value: 1000 * at + 7 * value, op: 'SCMP_CMP_EQ' })),
  );
  return deny([...rules.flat(), { names: names.slice(0, 1), action: 'SCMP_ACT_LOG', args: [{ index: 1, value: 3, op: 'SCMP_CMP_EQ' }] }]);
}

test('long programs are right too', (t) => {
  const profile = large(9, 100);
  const filter = compiled(profile);
  t.is(check(filter), undefined);
  t.true(filter.length / 8 > 1500);
  const names = [...syscallNumbers('x86_64').keys()].slice(0, 9);
  for (const [at, name] of names.entries()) {
    for (const value of [0, 50, 99]) {
      const args = Array.from({ length: 6 }, (_, index) => (index === at % 6 ? 1000 * at + 7 * value : 0));
      t.is(run(filter, 'x86_64', name, ...args).verdict, ALLOW, `${name} ${value}`);
      t.is(run(filter, 'x86_64', name, ...args.map((arg) => arg + 1)).verdict, EPERM, `${name} ${value}`);
    }
  }
  t.is(run(filter, 'x86_64', names[0] ?? '', -1n & 0xffffn, 3).verdict, LOG);
});

test('more than the kernel takes is refused', (t) => {
  const error = t.throws(() => compiled(large(40, 60)), { instanceOf: UserError });
  t.regex(error?.message ?? '', /has \d+ instructions, and the kernel takes 4096/);
});

test('a processor without a table is refused', (t) => {
  for (const arch of ['riscv64', 'ia32', '', '__proto__', 'constructor'])
    t.throws(() => compileSeccomp(deny([]), { arch }), { instanceOf: UserError, message: /does not know the system calls/ }, arch);
});

test('flags', (t) => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] };
  t.is(filterFlags(profile), 6);
  const killable: Seccomp = { ...profile, flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] };
  t.is(filterFlags(killable), 1);
  t.is(filterFlags({ ...killable, syscalls: [{ names: ['chdir'], action: 'SCMP_ACT_NOTIFY' }] }), 33);
});
