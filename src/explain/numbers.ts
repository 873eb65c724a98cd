import { getSystemErrorName } from 'node:util';
import { CLONE_FLAGS, O_PATH } from '../plan/numbers.js';
import { capabilityNames } from '../spec/capabilities.js';
import { RLIM_INFINITY, RLIMITS } from '../spec/rlimits.js';
import { SECCOMP_FLAGS } from '../spec/seccomp-flags.js';

type Amount = number | bigint;

/** `CLONE_NEW…` by bit (clone(2)). */
const CLONE_NAMES: ReadonlyMap<number, string> = new Map([
  [CLONE_FLAGS.mount, 'CLONE_NEWNS'],
  [CLONE_FLAGS.uts, 'CLONE_NEWUTS'],
  [CLONE_FLAGS.ipc, 'CLONE_NEWIPC'],
  [CLONE_FLAGS.pid, 'CLONE_NEWPID'],
  [CLONE_FLAGS.network, 'CLONE_NEWNET'],
  [CLONE_FLAGS.cgroup, 'CLONE_NEWCGROUP'],
  [CLONE_FLAGS.user, 'CLONE_NEWUSER'],
  [CLONE_FLAGS.time, 'CLONE_NEWTIME'],
]);

/** mount_setattr(2); access time is a field of three values, not of bits. */
const ATTR_NAMES: ReadonlyMap<number, string> = new Map([
  [0x1, 'MOUNT_ATTR_RDONLY'],
  [0x2, 'MOUNT_ATTR_NOSUID'],
  [0x4, 'MOUNT_ATTR_NODEV'],
  [0x8, 'MOUNT_ATTR_NOEXEC'],
  [0x10, 'MOUNT_ATTR_NOATIME'],
  [0x20, 'MOUNT_ATTR_STRICTATIME'],
  [0x80, 'MOUNT_ATTR_NODIRATIME'],
  [0x100000, 'MOUNT_ATTR_IDMAP'],
  [0x200000, 'MOUNT_ATTR_NOSYMFOLLOW'],
]);

/** mount(2), "Changing the propagation type". */
const PROPAGATION_NAMES: ReadonlyMap<number, string> = new Map([
  [1 << 17, 'MS_UNBINDABLE'],
  [1 << 18, 'MS_PRIVATE'],
  [1 << 19, 'MS_SLAVE'],
  [1 << 20, 'MS_SHARED'],
]);

const SIGNALS =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0o010000, 'p'],
  [0o020000, 'c'],
  [0o060000, 'b'],
]);

/** The names of the set bits, from the lowest; bits without a name as one hexadecimal number. */
function bitNames(value: Amount, names: ReadonlyMap<number, string>): string[] {
  let rest = BigInt(value);
  const found: string[] = [];
  for (const [bit, name] of [...names].sort(([a], [b]) => a - b)) {
    if ((rest & BigInt(bit)) === 0n) continue;
    rest &= ~BigInt(bit);
    found.push(name);
  }
  return rest === 0n ? found : [...found, `0x${rest.toString(16)}`];
}

/** What the step `userns` makes beside its own, by its operands. */
export function ownedNamespaces({ net, uts, ipc }: { readonly net?: string; readonly uts?: string; readonly ipc?: string }): string[] {
  const found = { CLONE_NEWNET: net, CLONE_NEWUTS: uts, CLONE_NEWIPC: ipc };
  return Object.entries(found).flatMap(([name, slot]) => (slot === undefined ? [] : [name]));
}

/** `CLONE_NEWNS`, `CLONE_NEWPID` … */
export function namespaceNames(flags: Amount): string[] {
  return bitNames(flags, CLONE_NAMES);
}

/** `MOUNT_ATTR_RDONLY` … */
export function attributeNames(attrs: Amount): string[] {
  return bitNames(attrs, ATTR_NAMES);
}

/** `MS_SLAVE` … */
export function propagationNames(mode: Amount): string[] {
  return bitNames(mode, PROPAGATION_NAMES);
}

/** The flags of open(2): the access mode, or `O_PATH`, which has none, then the rest. */
export function openFlagNames(flags: Amount): string[] {
  const names = new Map([
    [0x40, 'O_CREAT'],
    [0x80, 'O_EXCL'],
    [0x200, 'O_TRUNC'],
    [0x400, 'O_APPEND'],
    [0x800, 'O_NONBLOCK'],
    [0x10000, 'O_DIRECTORY'], // of x86_64
    [0x80000, 'O_CLOEXEC'],
    [O_PATH, 'O_PATH'],
  ]);
  const bits = BigInt(flags);
  const rest = bitNames(bits & ~3n, names);
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', '3'][Number(bits & 3n)] ?? '';
  return rest.includes('O_PATH') ? rest : [access, ...rest];
}

/** `SECCOMP_FILTER_FLAG_LOG` … */
export function filterFlagNames(flags: Amount): string[] {
  return bitNames(flags, new Map(Object.entries(SECCOMP_FLAGS).map(([name, bit]) => [bit, name])));
}

/** `SIGKILL` …; a real-time signal by its number. */
export function signalName(signal: Amount): string {
  const name = SIGNALS[Number(signal) - 1];
  return name ? `SIG${name}` : `signal ${signal}`;
}

/** `RLIMIT_NOFILE` … */
export function limitName(resource: Amount): string {
  return [...RLIMITS].find(([, number]) => number === Number(resource))?.[0] ?? `resource ${resource}`;
}

/** A value of setrlimit(2). */
export function limitValue(value: Amount): string {
  return BigInt(value) === RLIM_INFINITY ? 'unlimited' : value.toString();
}

/** `CAP_CHOWN` …, and bits without a name as one hexadecimal number. */
export function capabilitySet(mask: Amount): string[] {
  const names = capabilityNames(BigInt(mask));
  const rest = BigInt(mask) >> 41n;
  return rest === 0n ? names : [...names, `0x${(rest << 41n).toString(16)}`];
}

/** Permission bits as people write them: `0644`. */
export function octal(mode: Amount): string {
  return (BigInt(mode) & 0o7777n).toString(8).padStart(4, '0');
}

/** `c`, `b` or `p` of a device node's mode, as mknod(1) takes it. */
export function deviceType(mode: Amount): string {
  return FILE_TYPES.get(Number(mode) & 0o170000) ?? '?';
}

/** The two halves of a packed pair: major and minor, uid and gid. */
export function pair(value: Amount): readonly [number, number] {
  const bits = BigInt(value);
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

/** A number that the wire carries as unsigned and the kernel takes as signed. */
export function signed(value: Amount): number {
  return Number(BigInt.asIntN(64, BigInt(value)));
}

/** `EACCES` …; the number where Node has no name for it. */
export function errnoName(errno: number): string {
  const name = getSystemErrorName(-errno);
  return /^E[A-Z0-9]+$/.test(name) ? name : `errno ${errno}`;
}
