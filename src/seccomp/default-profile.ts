import { errnoOf } from '../spec/errno.js';
import type { Seccomp, SeccompRule } from '../spec/types.js';
import { ALLOWED, BY_CAPABILITY, MISSING } from './allowed.js';
import { allowAnyBut } from './any-but.js';

export interface DefaultProfileOptions {
  /** The container's bounding set: `CAP_CHOWN` …; each opens what it is of no use without. */
  readonly capabilities: readonly string[];
  /** mount(2) is let through, because a filter before this one has it answered (mount-listener.ts): a refusal here would count more. */
  readonly mountIsAnswered?: boolean;
}

/** All CLONE_NEW… of linux/sched.h that clone(2) takes; CLONE_NEWTIME lies in its signal number and is for unshare(2) alone. */
const NEW_NAMESPACES = 0x7e020000;
/** Put characters into the terminal's input, or for TIOCLINUX that of the console (ioctl_tty(2), ioctl_console(2)). */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** The crypto API of the kernel: families from here on (vsock, which reaches the hypervisor, among them) are closed. */
const AF_ALG = 38;
/**
 * personality(2): PER_LINUX and PER_LINUX32, each alone and with UNAME26, and the question which it is. None of the flags that take
 * away address randomisation, or make readable pages executable.
 */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/**
 * The filter of a container that brings none: what is not listed fails with EPERM. Every other architecture of the processor
 * (i386, x32) is left out, so that its calls do not exist.
 *
 * Refused by not being there, among others: new namespaces, and entering others; io_uring, bpf, perf_event_open,
 * userfaultfd; the kernel's keyrings, which have no namespace; kexec, modules, swap, quotas, accounting; another process's memory.
 */
export function defaultProfile({ capabilities, mountIsAnswered = false }: DefaultProfileOptions): Seccomp {
  const granted = new Set(capabilities.flatMap((name) => (Object.hasOwn(BY_CAPABILITY, name) ? (BY_CAPABILITY[name] ?? []) : [])));
  const missing = MISSING.filter((name) => !granted.has(name));
  const syscalls: SeccompRule[] = [
    ...ALLOWED.map(({ names }): SeccompRule => ({ names: [...names], action: 'SCMP_ACT_ALLOW' })),
    { names: missing, action: 'SCMP_ACT_ERRNO', errnoRet: errnoOf('ENOSYS') ?? 38 },
    ...byArguments(granted),
  ];
  if (granted.size > 0) syscalls.push({ names: [...granted], action: 'SCMP_ACT_ALLOW' });
  if (mountIsAnswered && !granted.has('mount')) syscalls.push({ names: ['mount'], action: 'SCMP_ACT_ALLOW' });
  return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: errnoOf('EPERM') ?? 1, syscalls };
}

/** Calls that are one thing or another by an argument. */
function byArguments(granted: ReadonlySet<string>): SeccompRule[] {
  const clone: SeccompRule = {
    names: ['clone'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  };
  return [
    ...(granted.has('clone') ? [] : [clone]),
    { names: ['socket', 'socketpair'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: AF_ALG, op: 'SCMP_CMP_LT' }] },
    ...allowAnyBut(['ioctl'], 1, [TIOCSTI, TIOCLINUX]),
    ...PERSONALITIES.map(
      (value): SeccompRule => ({ names: ['personality'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] }),
    ),
  ];
}
