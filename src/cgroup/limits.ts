import { deviceExceptions } from '../device-filter/exceptions.js';
import { describeMatch, deviceFilter, isUnrestricted } from '../device-filter/rules.js';
import { BugError, UserError } from '../errors.js';
import type { DeviceRule, Resources } from '../spec/types.js';

/** One value for one file of the container's cgroup. Order matters: the list is written from first to last. */
export interface LimitWrite {
  /** The controller that the file belongs to. */
  readonly controller: 'memory' | 'pids' | 'cpu' | 'cpuset' | 'devices';
  readonly file: string;
  readonly value: string;
  /** A kernel without the file is fine. */
  readonly optional: boolean;
  /**
   * How the value is compared when it is read back: sizes are rounded down to pages, lists and lines are reordered.
   * `later`: a file that can only be written; a later write looks at what came of it.
   */
  readonly kind: 'size' | 'list' | 'exact' | 'lines' | 'later';
  /** Where and what is read back, for a file that can only be written. */
  readonly readBack?: { readonly file: string; readonly value: string };
  /** What to type when the kernel refuses. */
  readonly hint: string;
}

/** What a version 1 cpuset takes over from its parent: a new one is empty and no process may enter it. */
export interface Inherited {
  readonly cpus: string;
  readonly mems: string;
}

type Amount = number | bigint;
const DEFAULT_PERIOD = 100_000;
/** The largest page of a supported machine (arm64 with 64 KiB): by less than that may a size shrink when it is set. */
const LARGEST_PAGE = 65_536n;
/** Version 1 shows "no limit" as the largest multiple of a page below 2^63. */
const NO_LIMIT = 2n ** 63n - LARGEST_PAGE;

const HINTS = {
  memory: 'give --memory a size that the machine has and the command can live in, for example --memory 50 (MiB)',
  swap: '--memory-swap is memory plus swap: give at least the value of --memory, or leave it out for no swap',
  pids: 'give --pids-limit a number from 1 to 4194304, or -1 for none',
  shares: 'give --cpu-shares a number from 2 to 262144',
  quota: 'give --cpus at least 0.01, and no more than the cgroup above allows',
  cpus: 'give --cpuset-cpus processors that are online: cat /sys/devices/system/cpu/online',
  devices: 'crt itself may not use that device here (cat /sys/fs/cgroup/devices/devices.list): allow it there first',
} as const;

/** @throws UserError when the limits contradict each other, before anything is touched. */
export function checkResources(resources: Resources): void {
  const { limit, swap } = resources.memory ?? {};
  if (swap === undefined || swap < 0) return;
  if (!isSet(limit))
    throw new UserError('a limit of memory plus swap needs a memory limit', { hint: 'add --memory, for example --memory 50' });
  if (BigInt(swap) < BigInt(limit)) {
    throw new UserError(`memory plus swap (${decimal(swap)} bytes) is less than the memory limit (${decimal(limit)} bytes)`, {
      hint: HINTS.swap,
    });
  }
}

/** The writes of version 1 (Documentation/admin-guide/cgroup-v1). */
export function limitsV1(resources: Resources, inherited: Inherited): LimitWrite[] {
  return [...memoryV1(resources), ...pidsLimit(resources), ...cpuV1(resources), ...cpusetV1(resources, inherited)];
}

/** The writes of version 2 (Documentation/admin-guide/cgroup-v2.rst). */
export function limitsV2(resources: Resources): LimitWrite[] {
  return [...memoryV2(resources), ...pidsLimit(resources), ...cpuV2(resources), ...cpusetV2(resources)];
}

/** memory.limit_in_bytes first: memsw may never be the smaller of the two, and starts at infinity. */
function memoryV1({ memory }: Resources): LimitWrite[] {
  if (!isSet(memory?.limit)) return [];
  const swap = memory.swap ?? memory.limit;
  const writes = [write('memory', 'memory.limit_in_bytes', decimal(memory.limit), HINTS.memory, 'size')];
  // Without memsw a kernel counts no swap; only a container that was promised some must then be refused.
  const optional = BigInt(swap) === BigInt(memory.limit);
  if (swap >= 0) writes.push({ ...write('memory', 'memory.memsw.limit_in_bytes', decimal(swap), HINTS.swap, 'size'), optional });
  return writes;
}

function memoryV2({ memory }: Resources): LimitWrite[] {
  if (!isSet(memory?.limit)) return [];
  const swap = memory.swap ?? memory.limit;
  const writes = [write('memory', 'memory.max', decimal(memory.limit), HINTS.memory, 'size')];
  const extra = BigInt(swap) - BigInt(memory.limit);
  if (swap >= 0) writes.push({ ...write('memory', 'memory.swap.max', extra.toString(), HINTS.swap, 'size'), optional: extra === 0n });
  // One victim at a time, as on version 1: a shell outlives the program that it ran.
  writes.push({ ...write('memory', 'memory.oom.group', '0', HINTS.memory), optional: true });
  return writes;
}

/** Zero and less mean no limit (OCI runtime specification, config-linux.md): a new cgroup has none. */
function pidsLimit({ pids }: Resources): LimitWrite[] {
  return isSet(pids?.limit) ? [write('pids', 'pids.max', decimal(pids.limit), HINTS.pids)] : [];
}

function cpuV1({ cpu }: Resources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (isSet(cpu?.shares)) writes.push(write('cpu', 'cpu.shares', decimal(cpu.shares), HINTS.shares));
  if (isSet(cpu?.period)) writes.push(write('cpu', 'cpu.cfs_period_us', decimal(cpu.period), HINTS.quota));
  if (isSet(cpu?.quota)) writes.push(write('cpu', 'cpu.cfs_quota_us', decimal(cpu.quota), HINTS.quota));
  return writes;
}

function cpuV2({ cpu }: Resources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (isSet(cpu?.shares)) writes.push(write('cpu', 'cpu.weight', String(sharesToWeight(cpu.shares)), HINTS.shares));
  if (isSet(cpu?.period) || isSet(cpu?.quota)) {
    const quota = isSet(cpu?.quota) ? decimal(cpu.quota) : 'max';
    writes.push(write('cpu', 'cpu.max', `${quota} ${decimal(cpu?.period || DEFAULT_PERIOD)}`, HINTS.quota));
  }
  return writes;
}

function cpusetV1({ cpu }: Resources, inherited: Inherited): LimitWrite[] {
  if (!cpu?.cpus && !cpu?.mems) return [];
  return [
    write('cpuset', 'cpuset.mems', cpu.mems || inherited.mems, HINTS.cpus, 'list'),
    write('cpuset', 'cpuset.cpus', cpu.cpus || inherited.cpus, HINTS.cpus, 'list'),
  ];
}

function cpusetV2({ cpu }: Resources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (cpu?.mems) writes.push(write('cpuset', 'cpuset.mems', cpu.mems, HINTS.cpus, 'list'));
  if (cpu?.cpus) writes.push(write('cpuset', 'cpuset.cpus', cpu.cpus, HINTS.cpus, 'list'));
  return writes;
}

/** The device filter of version 1 (Documentation/admin-guide/cgroup-v1/devices.rst): the answer for all, then each exception. */
export function devicesV1(rules: readonly DeviceRule[] | undefined): LimitWrite[] {
  const filter = deviceFilter(rules ?? []);
  if (rules === undefined || isUnrestricted(filter)) return [];
  const { allow, exceptions } = deviceExceptions(filter);
  const [all, other] = allow ? (['devices.allow', 'devices.deny'] as const) : (['devices.deny', 'devices.allow'] as const);
  const lines = exceptions.map(describeMatch);
  const writes = [['a', all] as const, ...lines.map((line) => [line, other] as const)].map(([line, file]) =>
    write('devices', file, line, HINTS.devices, 'later'),
  );
  // Of what is denied it says nothing.
  const readBack = { file: 'devices.list', value: allow ? 'a *:* rwm' : lines.join('\n') };
  return writes.map((each, at) => (at < writes.length - 1 ? each : { ...each, kind: 'lines', readBack }));
}

/** cpu.shares (2 to 262144, default 1024) on the scale of cpu.weight (1 to 10000), linearly, as the other runtimes do. */
export function sharesToWeight(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((bounded - 2) * 9999) / 262_142);
}

/** Did the kernel take what was written? */
export function isAccepted(write: Pick<LimitWrite, 'kind' | 'value'>, readBack: string): boolean {
  if (write.kind === 'exact') return write.value === readBack;
  if (write.kind === 'lines') return sortLines(write.value) === sortLines(readBack);
  if (write.kind === 'list') return expandList(write.value) !== undefined && expandList(write.value) === expandList(readBack);
  const asked = BigInt(write.value);
  if (readBack === 'max') return asked >= NO_LIMIT;
  if (!/^\d+$/.test(readBack)) return false;
  const got = BigInt(readBack);
  return (got >= NO_LIMIT && asked >= NO_LIMIT) || (got <= asked && asked - got < LARGEST_PAGE);
}

/** True where version 1 shows a counter that is no limit at all. Doubles are exact enough there. */
export function isUnlimited(bytes: number): boolean {
  return bytes >= Number(NO_LIMIT);
}

/** `2,0-1` → `0,1,2`: sorted, ranges written out (the List Format of cpuset(7)); undefined for anything else. */
function expandList(text: string): string | undefined {
  const members = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return undefined;
    for (let member = Number(first); member <= Number(last ?? first); member++) members.add(member);
  }
  return [...members].sort((a, b) => a - b).join();
}

function sortLines(text: string): string {
  return text.split('\n').sort().join('\n');
}

function isSet<T extends Amount>(amount: T | undefined): amount is T {
  return amount !== undefined && amount > 0;
}

/** Exact: a double above 2^53 or in exponent form would set another limit than the one asked for. */
function decimal(amount: Amount): string {
  if (typeof amount === 'number' && !Number.isSafeInteger(amount)) throw new BugError(`not an exact whole number: ${amount}`);
  return amount.toString();
}

function write(
  controller: LimitWrite['controller'],
  file: string,
  value: string,
  hint: string,
  kind: LimitWrite['kind'] = 'exact',
): LimitWrite {
  return { controller, file, value, optional: false, kind, hint };
}
