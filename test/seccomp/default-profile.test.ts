import test from 'ava';
import { compileSeccomp, filterFlags, hasNotify } from '../../src/seccomp/compile.js';
import { defaultProfile } from '../../src/seccomp/default-profile.js';
import { setIdGuard } from '../../src/seccomp/set-id.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { unknownCalls } from '../../src/seccomp/unknown-calls.js';
import { SECCOMP } from '../../src/spec/validate-seccomp.js';
import { AUDIT, check, execute } from './bpf.js';
import { type Abi, ALLOW, DOCKER_14, ENOSYS, EPERM, NATIVE, PODMAN_11, run } from './decide.js';

const filterOf = (arch: string, capabilities: readonly string[] = PODMAN_11, mountIsAnswered = false): Uint8Array =>
  compileSeccomp(defaultProfile({ capabilities, mountIsAnswered }), { arch });
const both = ['x64', 'arm64'].map((arch) => [arch, NATIVE[arch] as Abi, filterOf(arch)] as const);
const hex = (value: number): string => `0x${value.toString(16)}`;
const HIGH = 0xdeadbeefn << 32n;

test('it is a valid linux.seccomp, and the kernel would load what it compiles to', (t) => {
  const profile = defaultProfile({ capabilities: DOCKER_14, mountIsAnswered: true });
  t.deepEqual(SECCOMP(profile, 'linux.seccomp'), profile);
  for (const [arch, , filter] of both) t.is(check(filter), undefined, arch);
  t.deepEqual(unknownCalls(profile), []);
  t.is(filterFlags(profile), 0);
});

test('common calls cost few instructions', (t) => {
  for (const [arch, abi, filter] of both) {
    for (const name of [
      'read',
      'write',
      'openat',
      'futex',
      'mmap',
      'close',
      'newfstatat',
      'epoll_pwait',
      'rt_sigprocmask',
      'clone',
      'socket',
    ]) {
      const { verdict, steps } = run(filter, abi, name, 0x11);
      t.is(verdict, ALLOW, `${arch} ${name}`);
      t.true(steps <= 20, `${arch} ${name}: ${steps} instructions`);
    }
    t.true(filter.length / 8 < 300, `${arch}: ${filter.length / 8} instructions`);
  }
});

const REFUSED =
  'io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd keyctl add_key request_key kexec_load kexec_file_load ' +
  'init_module finit_module delete_module reboot swapon swapoff acct quotactl settimeofday clock_settime unshare setns mount umount2 ' +
  'pivot_root sethostname setdomainname process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd open_by_handle_at ' +
  'name_to_handle_at lookup_dcookie fanotify_init syslog vhangup mbind move_pages migrate_pages set_mempolicy nfsservctl';
const REFUSED_X86 = 'iopl ioperm modify_ldt uselib ustat sysfs _sysctl create_module query_module get_kernel_syms';

test('what the posture blocks fails with EPERM', (t) => {
  for (const [arch, abi, filter] of both) {
    for (const name of [...REFUSED.split(' '), ...(abi === 'x86_64' ? REFUSED_X86.split(' ') : [])]) {
      t.is(hex(run(filter, abi, name).verdict), hex(EPERM), `${arch} ${name}`);
    }
    // Not even for nothing, nor for what does not make a namespace.
    for (const flags of [0, 0x400, 0x10000000, 0x80]) t.is(run(filter, abi, 'unshare', flags).verdict, EPERM);
  }
});

test('what has an older way does not exist', (t) => {
  for (const [arch, abi, filter] of both) {
    for (const name of ['clone3', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'open_tree', 'move_mount', 'mount_setattr', 'open_tree_attr'])
      t.is(hex(run(filter, abi, name).verdict), hex(ENOSYS), `${arch} ${name}`);
    for (const nr of [470, 500, 511, 1000, 0x3fffffff]) t.is(execute(filter, { nr, arch: AUDIT[abi], args: [] }).verdict, ENOSYS, `${nr}`);
  }
});

test('clone makes threads and processes, and no namespace', (t) => {
  for (const [, abi, filter] of both) {
    for (const flags of [17, 0x4111, 0x3d0f00, 0x1200011, 0x01200011]) t.is(run(filter, abi, 'clone', flags).verdict, ALLOW, hex(flags));
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      t.is(run(filter, abi, 'clone', flag | 17).verdict, EPERM, hex(flag));
      t.is(run(filter, abi, 'clone', HIGH | BigInt(flag)).verdict, EPERM, hex(flag));
    }
  }
});

test('no socket of the crypto API, of vsock, of newer families, in any disguise', (t) => {
  for (const [, abi, filter] of both) {
    for (const name of ['socket', 'socketpair']) {
      for (const family of [1, 2, 10, 16, 17]) t.is(run(filter, abi, name, family).verdict, ALLOW, `${name} ${family}`);
      for (const family of [38, 40, 39, 44, 0xffffffff]) t.is(run(filter, abi, name, family).verdict, EPERM, `${name} ${family}`);
      for (const family of [38n, 40n]) t.is(run(filter, abi, name, HIGH | family).verdict, EPERM);
    }
  }
});

test('no ioctl that types into a terminal, whatever stands above the 32 bits that the kernel reads', (t) => {
  for (const [, abi, filter] of both) {
    for (const high of [0n, 1n << 32n, HIGH, 0xffffffffn << 32n]) {
      for (const command of [0x5412n, 0x541cn]) t.is(run(filter, abi, 'ioctl', 0, high | command).verdict, EPERM, hex(Number(command)));
    }
    for (let command = 0; command < 0x10000; command++) {
      if (command === 0x5412 || command === 0x541c) continue;
      if (run(filter, abi, 'ioctl', 0, command).verdict !== ALLOW) t.fail(`ioctl ${hex(command)}`);
    }
    for (let bit = 0n; bit < 32n; bit++) {
      const command = 0x5412n ^ (1n << bit);
      t.is(run(filter, abi, 'ioctl', 0, 0xffffffff00000000n | command).verdict, ALLOW, hex(Number(command)));
    }
  }
});

test('personality asks, and takes no protection away', (t) => {
  for (const [, abi, filter] of both) {
    for (const value of [0, 8, 0x20000, 0x20008, 0xffffffff]) t.is(run(filter, abi, 'personality', value).verdict, ALLOW, hex(value));
    for (const value of [0x0040000, 0x0400000, 0x4000000, 1, 0x40008])
      t.is(run(filter, abi, 'personality', value).verdict, EPERM, hex(value));
  }
});

test('i386 and x32 do not exist', (t) => {
  const filter = filterOf('x64', DOCKER_14);
  for (const abi of ['i386', 'x32'] as const) {
    for (const [name, nr] of syscallNumbers(abi))
      t.is(execute(filter, { nr, arch: AUDIT[abi], args: [] }).verdict, ENOSYS, `${abi} ${name}`);
  }
  for (const arch of [0, AUDIT.aarch64, 0xffffffff]) t.is(execute(filter, { nr: 0, arch, args: [] }).verdict, ENOSYS);
  t.is(execute(filter, { nr: 0x40000000, arch: AUDIT.x86_64, args: [] }).verdict, ENOSYS);
  t.is(execute(filterOf('arm64'), { nr: 3, arch: 0x40000028, args: [] }).verdict, ENOSYS);
});

test('mount passes where a filter before has it answered, and is refused elsewhere', (t) => {
  for (const [arch, abi] of both) {
    t.is(run(filterOf(arch), abi, 'mount').verdict, EPERM);
    t.is(run(filterOf(arch, PODMAN_11, true), abi, 'mount').verdict, ALLOW);
    t.is(run(filterOf(arch, PODMAN_11, true), abi, 'umount2').verdict, EPERM);
  }
  t.false(hasNotify(defaultProfile({ capabilities: [], mountIsAnswered: true })));
});

test('no setuid or setgid bit where a folder of the host can be written to', (t) => {
  for (const [arch, abi] of both) {
    const filter = compileSeccomp(setIdGuard(arch), { arch });
    const verdict = (name: string, ...args: bigint[]): number => run(filter, abi, name, ...args).verdict;
    for (const bits of [0o4000n, 0o2000n, 0o6000n, 0o4755n, HIGH | 0o4755n]) {
      t.is(verdict('fchmod', 3n, bits), EPERM);
      t.is(verdict('fchmodat', 3n, 0n, bits), EPERM);
      t.is(verdict('fchmodat2', 3n, 0n, bits, 0n), EPERM);
      t.is(verdict('mkdirat', 3n, 0n, bits), EPERM);
      t.is(verdict('mknodat', 3n, 0n, bits, 0n), EPERM);
      for (const flags of [0o100n, 0o101n, 0o20200000n | 2n, HIGH | 0o100n])
        t.is(verdict('openat', 3n, 0n, flags, bits), EPERM, String(flags));
      // Only read: the mode is not looked at.
      t.is(verdict('openat', 3n, 0n, 0n, bits), ALLOW);
      if (abi !== 'x86_64') continue;
      t.is(verdict('chmod', 0n, bits), EPERM);
      t.is(verdict('creat', 0n, bits), EPERM);
      t.is(verdict('open', 0n, 0o101n, bits), EPERM);
    }
    for (const mode of [0o755n, 0o1777n, 0n]) {
      t.is(verdict('fchmod', 3n, mode), ALLOW);
      t.is(verdict('openat', 3n, 0n, 0o101n, mode), ALLOW);
    }
    t.is(verdict('openat2'), ENOSYS);
    // All else is not its business, and the filter proper does not know of it.
    t.is(verdict('mount'), ALLOW);
    t.is(run(filterOf(arch), abi, 'fchmod', 3n, 0o4755n).verdict, ALLOW);
  }
});

test('a capability opens what is of no use without, and nothing else', (t) => {
  const opened = (capability: string): string[] => {
    const [bare, more] = [filterOf('x64', []), filterOf('x64', [capability])];
    const names = [...syscallNumbers('x86_64').keys()];
    return names.filter(
      (name) => run(bare, 'x86_64', name, -1n & 0xffffffffn).verdict !== run(more, 'x86_64', name, -1n & 0xffffffffn).verdict,
    );
  };
  t.deepEqual(opened('CAP_SYS_CHROOT'), ['chroot']);
  t.deepEqual(opened('CAP_SYS_PTRACE'), ['process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd', 'process_madvise']);
  t.deepEqual(opened('CAP_SYS_MODULE'), ['init_module', 'delete_module', 'finit_module']);
  for (const capability of ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_CHOWN', 'CAP_MKNOD', 'CAP_SYS_RESOURCE', 'CAP_nonsense', '__proto__'])
    t.deepEqual(opened(capability), [], capability);
  const admin = opened('CAP_SYS_ADMIN');
  for (const name of ['mount', 'umount2', 'unshare', 'setns', 'clone', 'clone3', 'fsopen', 'move_mount', 'bpf'])
    t.true(admin.includes(name), name);
  for (const name of [
    'keyctl',
    'kexec_load',
    'init_module',
    'reboot',
    'io_uring_setup',
    'userfaultfd',
    'open_by_handle_at',
    'ptrace',
    'pivot_root',
  ])
    t.false(admin.includes(name), name);
});

test('what usual programs call passes', (t) => {
  const names =
    'execve wait4 waitid pipe2 dup3 fcntl getdents64 statx readlinkat renameat2 unlinkat mkdirat symlinkat linkat faccessat2 utimensat ' +
    'openat2 close_range mprotect madvise munmap brk mremap memfd_create set_robust_list rseq prlimit64 getrandom sched_getaffinity ' +
    'rt_sigaction rt_sigreturn sigaltstack tgkill kill signalfd4 eventfd2 epoll_create1 epoll_ctl timerfd_create inotify_init1 ptrace ' +
    'bind connect listen accept4 sendmsg recvmsg sendmmsg getsockopt setsockopt shutdown sendfile splice copy_file_range fallocate ' +
    'setresuid setresgid setgroups capset prctl seccomp io_setup shmget semtimedop mq_open setpriority pidfd_open chroot getcwd fchownat';
  for (const [arch, abi, filter] of both)
    for (const name of names.split(' ')) t.is(run(filter, abi, name).verdict, ALLOW, `${arch} ${name}`);
});
