import { readdirSync, readFileSync, statSync } from 'node:fs';
import { UserError } from '../errors.js';

/** What names one process for good: a pid alone is reused, and starts over with each boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after the boot (proc_pid_stat(5), field 22). */
  readonly startTime: number;
  readonly bootId: string;
  /** Inode of the pid namespace that numbers it (pid_namespaces(7)); undefined: the first. */
  readonly pidNamespace?: number;
}

/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 0xeffffffc;
let namespace: number | undefined;

/** The pid namespace of this process, as an identity has it. */
export function ownPidNamespace(): { pidNamespace?: number } {
  namespace ??= namespaceOf('self') ?? FIRST_PID_NAMESPACE;
  return namespace === FIRST_PID_NAMESPACE ? {} : { pidNamespace: namespace };
}

/** True for a process that another pid namespace numbers: what has its number here is somebody else. */
export function isForeign({ pidNamespace }: Pick<ProcessIdentity, 'pidNamespace'>): boolean {
  return pidNamespace !== ownPidNamespace().pidNamespace;
}

function namespaceOf(pid: string): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/pid`).ino;
  } catch {
    return undefined;
  }
}

/** @throws UserError when there is no such file. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(`${path} is missing: crt needs a mounted /proc, the whole of it`, {
      hint: 'mount -t proc proc /proc',
      check: 'environment',
      cause: error,
    });
  }
}

let boot: string | undefined;
/** A random UUID that lasts for one boot (random(4)), and so for all of this process. @throws UserError when /proc is not whole. */
export function bootId(): string {
  boot ??= readProc('/proc/sys/kernel/random/boot_id').trim();
  return boot;
}

/** When the process began, in clock ticks after the boot; undefined when there is no such process (zombies still count). */
export function startTime(pid: number): number | undefined {
  return readStat(pid)?.startTime;
}

/**
 * True while exactly this process runs. A zombie is dead: it waits to be reaped and acts no more. Also true for one of another pid
 * namespace that cannot be seen from here: it may run.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  if (isForeign(identity)) return identity.bootId === bootId() && mayRun(identity);
  const stat = readStat(identity.pid);
  if (!stat || stat.startTime !== identity.startTime || stat.state === 'Z' || stat.state === 'X') return false;
  return identity.bootId === bootId();
}

/** True for one that a signal has stopped, and that does nothing until SIGCONT; also for one that a debugger holds. */
export function isStoppedProcess(pid: number): boolean {
  return /^[Tt]$/.test(readStat(pid)?.state ?? '');
}

/** The first namespace shows the processes of all others, by other numbers. */
function mayRun({ pidNamespace, startTime: ticks }: ProcessIdentity): boolean {
  if (ownPidNamespace().pidNamespace !== undefined) return true;
  return readdirSync('/proc').some((entry) => {
    const stat = /^\d+$/.test(entry) && namespaceOf(entry) === pidNamespace ? readStat(Number(entry)) : undefined;
    return stat?.startTime === ticks && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** State letter and start time of a /proc/PID/stat line; undefined when it is of another shape. */
export function parseStat(stat: string): { state: string; startTime: number } | undefined {
  // The name in field 2 may hold spaces and parentheses: what follows its last `)` is fields 3 and up.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = Number(fields[19]);
  return state && fields[19] && Number.isSafeInteger(ticks) ? { state, startTime: ticks } : undefined;
}

function readStat(pid: number): { state: string; startTime: number } | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // ESRCH: the process ended between the open and the read.
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
