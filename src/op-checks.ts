import type { CheckId } from './check-ids.js';
import type { OpName } from './plan/ops.js';
import { isOp, type Step } from './plan/step.js';

/** The check of `crt doctor` that tries what a verb does. Total: a new op does not compile without its check. */
export const OP_CHECKS: Readonly<Record<OpName, CheckId>> = {
  'on-orphan': 'helper',
  pipes: 'container',
  stage: 'namespaces',
  report: 'container',
  await: 'container',
  control: 'state-dir',
  log: 'layers-dir',
  relay: 'terminal',
  answer: 'seccomp',
  propagation: 'system-calls',
  userns: 'user-namespace',
  staging: 'filesystems',
  open: 'rootfs',
  probe: 'rootfs',
  'bind-source': 'user-namespace',
  overlay: 'overlay',
  file: 'filesystems',
  'device-filter': 'devices',
  node: 'devices',
  'oom-score': 'container',
  'join-userns': 'user-namespace',
  'ids-root': 'user-namespace',
  target: 'namespaces',
  enter: 'namespaces',
  clone: 'namespaces',
  'parent-death': 'container',
  'cgroup-join': 'cgroup-limits',
  unshare: 'namespaces',
  loopback: 'namespaces',
  hostname: 'namespaces',
  domainname: 'namespaces',
  root: 'system-calls',
  mount: 'filesystems',
  bind: 'rootfs',
  device: 'devices',
  symlink: 'devices',
  mask: 'masks',
  readonly: 'masks',
  sysctl: 'filesystems',
  console: 'terminal',
  stdio: 'devices',
  pivot: 'system-calls',
  remount: 'system-calls',
  session: 'terminal',
  keyring: 'keyring',
  user: 'rootfs',
  rlimit: 'system-calls',
  signals: 'capabilities',
  umask: 'capabilities',
  bounding: 'capabilities',
  identity: 'capabilities',
  caps: 'capabilities',
  cwd: 'rootfs',
  'no-new-privs': 'no-new-privs',
  listener: 'seccomp',
  'exec-label': 'security-modules',
  seccomp: 'seccomp',
  'close-fds': 'system-calls',
  // The shell's interpreter is tried by a whole start alone.
  exec: 'container',
  look: 'container',
  archive: 'container',
  extract: 'container',
};

/** Where a limit on namespaces or terminals, and no disk, says ENOSPC. */
const LIMITED: ReadonlySet<OpName> = new Set(['stage', 'clone', 'unshare', 'userns', 'console']);
/** Whose own call can be left out of a kernel. */
const SPARED: ReadonlySet<OpName> = new Set(['keyring', 'listener', 'seccomp', 'device-filter']);

/** The check that tells why this step failed. @param code errno(3) by name */
export function checkOf(step: Step, code: string): CheckId {
  if (code === 'ENOSYS' && !SPARED.has(step.op)) return 'system-calls';
  if (code === 'ENOSPC' && !LIMITED.has(step.op)) return 'disk-space';
  if (code === 'EDQUOT' && step.op !== 'keyring') return 'disk-space';
  // In a user namespace the kernel shows /proc and /sys only where they are seen whole outside.
  if (code === 'EPERM' && step.op === 'mount') return 'user-namespace';
  if (code === 'EPERM' && step.op === 'exec') return 'seccomp';
  if (isOp(step, 'open')) return checkOfOpen(step.operands.fd);
  if (isOp(step, 'bind-source') && step.operands.idmap === undefined)
    return step.operands.source === '/dev/null' ? 'masks' : 'system-calls';
  return OP_CHECKS[step.op];
}

/** What the kernel says of a place, or of a file in it, that does not fit. */
const MISFIT = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'EINVAL', 'ELOOP', 'EXDEV', 'ENAMETOOLONG'];
/** Where the caller names a limit, a user, a place or a command, by what comes of a wrong one (errno(3)). */
const ASKED: Readonly<Partial<Record<OpName, readonly string[]>>> = {
  rlimit: ['EPERM', 'EINVAL'],
  user: ['ESRCH', 'EFBIG', ...MISFIT],
  identity: ['EINVAL'],
  cwd: MISFIT,
  bind: MISFIT,
  mount: MISFIT,
  'bind-source': MISFIT,
  'exec-label': ['ENOENT'],
  exec: ['ENOEXEC', 'EACCES', 'E2BIG', ...MISFIT],
};

/** The source of a mount of the config (plan/mounts.ts), and none that crt takes beside them. */
export function isNamed({ operands }: Step<'bind-source'>): boolean {
  return /\/bind-\d+$/.test(operands.target);
}

/** True when a step failed for what the caller asked for, which the check of the step does not know. */
export function isAsked(step: Step, code: string): boolean {
  if (!ASKED[step.op]?.includes(code)) return false;
  // Without a command it is the rootfs' shell, which a check starts, too.
  if (isOp(step, 'exec')) return step.operands.argv[0] !== '';
  if (isOp(step, 'bind-source')) return isNamed(step);
  return !isOp(step, 'mount') || step.operands.type === 'tmpfs' || code !== 'EINVAL';
}

/** By the slot that is filled (plan/rootfs.ts, plan/masks.ts, the cgroup drivers). */
function checkOfOpen(slot: string): CheckId {
  if (slot.startsWith('cgroup')) return 'cgroup-mounts';
  if (slot === 'upper' || slot === 'work') return 'layers-dir';
  return slot === 'empty' ? 'masks' : OP_CHECKS.open;
}
