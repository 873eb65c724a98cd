/**
 * The vocabulary of the launch plan: each verb, the actors that may perform it, and its operands in wire order.
 * `helper/ops.def` holds the same lines; a test compares them and a hash of them guards the wire (docs/plan.md).
 *
 * Operand kinds: `in`/`out` a descriptor slot read or filled · `host` a path resolved on the host (or in the set-up
 * namespace) · `path` a path resolved inside the container's root, never leaving it · `str` text · `list` strings ·
 * `bytes` raw bytes · `num` an unsigned 64-bit number. A `?` after the kind makes the operand optional.
 * At most 4 slots, 4 texts (host, path, str, list, bytes) and 3 numbers a step.
 */
export const OPS = {
  // Outside: the monitor, in the host's namespaces.
  'on-orphan': { actors: 'monitor', operands: 'list:argv list:env' },
  pipes: { actors: 'monitor', operands: 'num:streams' },
  stage: { actors: 'monitor', operands: '' },
  report: { actors: 'monitor', operands: 'str:reason' },
  await: { actors: 'monitor', operands: '' },
  control: { actors: 'monitor', operands: 'host:directory num:start num:timeout' },
  log: { actors: 'monitor', operands: 'host:directory num:size num:files' },
  relay: { actors: 'monitor', operands: 'out:master' },
  answer: { actors: 'monitor', operands: 'out:listener' },
  // The stage: short-lived, in the set-up mount namespace.
  propagation: { actors: 'stage', operands: 'num:mode' },
  userns: { actors: 'stage', operands: 'out:userns out?:net out?:uts out?:ipc str:uid_map str:gid_map' },
  staging: { actors: 'stage', operands: 'host:target list:options' },
  open: { actors: 'stage', operands: 'out:fd host:path num:flags num?:owner' },
  probe: { actors: 'stage', operands: 'in:root list:candidates' },
  'bind-source': { actors: 'stage', operands: 'in?:from in?:idmap host?:source host:target num:attrs' },
  overlay: { actors: 'stage', operands: 'in:lower in:upper in:work host:target list:options num:attrs' },
  file: { actors: 'stage', operands: 'host:target bytes:content num:mode num?:owner' },
  'device-filter': { actors: 'stage', operands: 'in:cgroup bytes:program' },
  node: { actors: 'stage', operands: 'host:target num:mode num:device num:owner' },
  'oom-score': { actors: 'stage', operands: 'num:value' },
  'join-userns': { actors: 'stage', operands: 'in:userns in?:net in?:uts in?:ipc' },
  'ids-root': { actors: 'stage', operands: '' },
  target: { actors: 'stage', operands: 'out:pidfd out?:cgroup num:pid num:start' },
  enter: { actors: 'stage init', operands: 'in:target out?:root num:namespaces' },
  clone: { actors: 'stage', operands: 'out:pidfd in?:cgroup num:namespaces' },
  // Inside: init, PID 1 to be.
  'parent-death': { actors: 'init', operands: 'num:signal' },
  'cgroup-join': { actors: 'init', operands: 'in:tasks' },
  unshare: { actors: 'stage init', operands: 'num:namespaces' },
  loopback: { actors: 'init', operands: '' },
  hostname: { actors: 'init', operands: 'str:name' },
  domainname: { actors: 'init', operands: 'str:name' },
  root: { actors: 'init', operands: 'out:root host:path' },
  mount: { actors: 'init', operands: 'in:root str:type str?:source path:target list:options num:attrs num:mode' },
  bind: { actors: 'init', operands: 'in:root host:source path:target num:attrs' },
  device: { actors: 'init', operands: 'in:root path:target num:mode num:device num:owner' },
  symlink: { actors: 'init', operands: 'in:root str:content path:target' },
  mask: { actors: 'init', operands: 'in:root host:file host:directory path:target' },
  readonly: { actors: 'init', operands: 'in:root path:target' },
  sysctl: { actors: 'init', operands: 'in:root str:key str:value' },
  console: { actors: 'init', operands: 'in:root num:rows num:columns num:bind' },
  stdio: { actors: 'init', operands: 'in:root' },
  pivot: { actors: 'init', operands: 'in:root' },
  remount: { actors: 'init', operands: 'path:target num:attrs' },
  session: { actors: 'init', operands: '' },
  keyring: { actors: 'init', operands: 'str:name' },
  user: { actors: 'init', operands: 'in:root str:spec list:groups' },
  rlimit: { actors: 'monitor', operands: 'num:resource num:soft num:hard' },
  signals: { actors: 'init', operands: '' },
  umask: { actors: 'init', operands: 'num:mask' },
  bounding: { actors: 'init', operands: 'num:capabilities' },
  identity: { actors: 'init', operands: '' },
  caps: { actors: 'init', operands: 'num:permitted num:inheritable num:ambient' },
  cwd: { actors: 'init', operands: 'in:root path:directory' },
  'no-new-privs': { actors: 'init', operands: '' },
  listener: { actors: 'init', operands: 'bytes:filter num:flags' },
  'exec-label': { actors: 'init', operands: 'in:root str:file str:label' },
  seccomp: { actors: 'init', operands: 'bytes:filter num:flags' },
  'close-fds': { actors: 'init', operands: '' },
  exec: { actors: 'init', operands: 'list:candidates list:argv list:env num:reaper' },
  look: { actors: 'init', operands: 'in:root path:target num:flags' },
  archive: { actors: 'init', operands: 'in:root path:source str:name num:flags' },
  extract: { actors: 'init', operands: 'in:root path:target num:flags' },
} as const satisfies Record<string, { actors: string; operands: string }>;

export type OpName = keyof typeof OPS;
export type Actor = 'monitor' | 'stage' | 'init';

/** `optional`: ENOENT at the target is success. `mkdir`/`mkfile`: make a missing target (and its parents) first. */
export type StepFlag = 'optional' | 'mkdir' | 'mkfile';
export const FLAG_BITS: Record<StepFlag, number> = { optional: 1, mkdir: 2, mkfile: 4 };
export const ACTORS: readonly Actor[] = ['monitor', 'stage', 'init'];

/** The canonical text of the table, one line an op, in wire order: what `crt-init --ops` prints. */
export function opLines(): string[] {
  return Object.entries(OPS).map(([name, op]) => `${name} ${op.actors} ${op.operands}`.trimEnd());
}

let hash: bigint | undefined;
/** 64-bit FNV-1a over {@link opLines}, each line ended by a newline: the same number as the helper computes. */
export function opsHash(): bigint {
  hash ??= fnv1a(`${opLines().join('\n')}\n`);
  return hash;
}

function fnv1a(text: string): bigint {
  // In two halves: with bigints this took half a millisecond of every start. The prime is 2^40 + 0x1b3.
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of Buffer.from(text)) {
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}
