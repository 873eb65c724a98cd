import { readFileSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';
import { UserError } from '../errors.js';
import { parseCgroupMounts } from './cgroup-mounts.js';
import type { CgroupFacts, HostFacts } from './facts.js';

export { parseCgroupMounts } from './cgroup-mounts.js';

/**
 * Reads what a start must know about this machine: a few small files of /proc, nothing written.
 * @throws UserError when /proc is not mounted.
 */
export function probeHost(): HostFacts {
  return {
    kernel: parseRelease(release()),
    arch: process.arch,
    // Effective: what the kernel judges system calls by. Linux always has it.
    uid: process.geteuid?.() ?? -1,
    sudoUid: parseUid(process.env['SUDO_UID']),
    cgroup: probeCgroup(),
    totalMemory: totalmem(),
    // sched_getaffinity(2); os.cpus() reads files for each processor and takes milliseconds.
    cpus: availableParallelism(),
    lastCapability: Number(readProc('/proc/sys/kernel/cap_last_cap')),
    oomScoreAdj: Number(readProc('/proc/self/oom_score_adj')),
    hardLimits: parseHardLimits(readProc('/proc/self/limits')),
  };
}

function probeCgroup(): CgroupFacts {
  return parseCgroupMounts(readProc('/proc/self/mountinfo'), readProc('/proc/self/cgroup'), (mountpoint) =>
    readProc(`${mountpoint}/cgroup.controllers`).split(/\s+/).filter(Boolean),
  );
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(`${path} is missing: crt needs a mounted /proc`, { hint: 'mount -t proc proc /proc', cause: error });
  }
}

/** `6.18.44-fc-v657` → its first two numbers. */
export function parseRelease(text: string): HostFacts['kernel'] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { release: text, major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** A user id in strict decimal, 0 to 2^32−2 (4294967295 means "no change" to the kernel); else undefined. */
export function parseUid(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,9})$/.test(text)) return undefined;
  const uid = Number(text);
  return uid <= 0xfffffffe ? uid : undefined;
}

/** The lines of proc_pid_limits(5) by the names of getrlimit(2). */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  'cpu time': 'RLIMIT_CPU',
  'file size': 'RLIMIT_FSIZE',
  'data size': 'RLIMIT_DATA',
  'stack size': 'RLIMIT_STACK',
  'core file size': 'RLIMIT_CORE',
  'resident set': 'RLIMIT_RSS',
  processes: 'RLIMIT_NPROC',
  'open files': 'RLIMIT_NOFILE',
  'locked memory': 'RLIMIT_MEMLOCK',
  'address space': 'RLIMIT_AS',
  'file locks': 'RLIMIT_LOCKS',
  'pending signals': 'RLIMIT_SIGPENDING',
  'msgqueue size': 'RLIMIT_MSGQUEUE',
  'nice priority': 'RLIMIT_NICE',
  'realtime priority': 'RLIMIT_RTPRIO',
  'realtime timeout': 'RLIMIT_RTTIME',
};

/** Hard limits by RLIMIT_ name; `unlimited` is Infinity. Lines of unknown limits are left out. */
export function parseHardLimits(text: string): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const match of text.matchAll(/^Max (.{21}) (\S+) +(\S+)/gm)) {
    const name = LIMIT_NAMES[(match[1] ?? '').trim()];
    if (name) limits[name] = match[3] === 'unlimited' ? Infinity : Number(match[3]);
  }
  return limits;
}
