import { readNumber, readText } from './files.js';
import { isUnlimited } from './limits.js';

/** Limits as the kernel holds them now. undefined: no limit, or not one that this cgroup sets. */
export interface LimitsInForce {
  /** Bytes. */
  readonly memory: number | undefined;
  /** Memory plus swap, bytes. */
  readonly memorySwap: number | undefined;
  readonly pids: number | undefined;
  /** Processors: 0.5 is half of one. */
  readonly cpus: number | undefined;
  /** cpu.shares of version 1. */
  readonly cpuShares: number | undefined;
  /** cpu.weight of version 2, 1 to 10000. */
  readonly cpuWeight: number | undefined;
  /** `0-1` */
  readonly cpusetCpus: string | undefined;
  readonly cpusetMems: string | undefined;
  /** Lines of devices.list of version 1; version 2 has a program that cannot be read. */
  readonly devices: readonly string[] | undefined;
}

/** Reads them from the directories of one container's cgroups, of whichever version. */
export function limitsInForce(directories: readonly string[]): LimitsInForce {
  const text = (file: string): string | undefined => first(directories, (path) => readText(`${path}/${file}`));
  const size = (file: string): number | undefined => {
    const value = first(directories, (path) => readNumber(`${path}/${file}`));
    return value === undefined || isUnlimited(value) ? undefined : value;
  };
  const memory = size('memory.limit_in_bytes') ?? size('memory.max');
  const swap = size('memory.swap.max');
  return {
    memory,
    memorySwap: size('memory.memsw.limit_in_bytes') ?? (memory === undefined || swap === undefined ? undefined : memory + swap),
    pids: size('pids.max'),
    cpus: cpusOf(text('cpu.cfs_quota_us'), text('cpu.cfs_period_us'), text('cpu.max')),
    cpuShares: size('cpu.shares'),
    cpuWeight: size('cpu.weight'),
    cpusetCpus: text('cpuset.cpus') || undefined,
    cpusetMems: text('cpuset.mems') || undefined,
    devices: text('devices.list')?.split('\n'),
  };
}

/** True while the freezer holds all of its processes. */
export function isFrozen(directories: readonly string[]): boolean {
  return directories.some((path) => {
    const state = readText(`${path}/freezer.state`);
    return (state !== undefined && state !== 'THAWED') || /^frozen 1$/m.test(readText(`${path}/cgroup.events`) ?? '');
  });
}

function cpusOf(quota: string | undefined, period: string | undefined, max: string | undefined): number | undefined {
  const [share, span] = max === undefined ? [quota, period] : max.split(' ');
  const cpus = Number(share) / Number(span);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : undefined;
}

function first<T>(directories: readonly string[], read: (path: string) => T | undefined): T | undefined {
  for (const path of directories) {
    const value = read(path);
    if (value !== undefined) return value;
  }
  return undefined;
}
