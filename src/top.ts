import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { openCgroup } from './cgroup/open.js';
import { findRunning } from './find.js';
import { probeHost } from './host/probe.js';
import { type UndoContext, undoContext } from './undo.js';

/** One process of a container, seen from outside. Its name and words are the container's own: for a terminal, `printable` first. */
export interface ProcessSummary {
  /** As the host numbers it. */
  readonly pid: number;
  readonly ppid: number;
  /** As the container numbers it; PID 1 is 1. */
  readonly pidInside: number | undefined;
  /** Real user id as the container counts it; undefined for one that it has no number for. */
  readonly uid: number | undefined;
  /** The same as the host counts it. */
  readonly hostUid: number | undefined;
  /** Letter of proc_pid_stat(5): R, S, D, T, Z … */
  readonly state: string;
  readonly threads: number;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** Of one processor, from its start to now. */
  readonly cpuPercent: number;
  /** Milliseconds of processor time. */
  readonly cpuMs: number;
  /** Bytes: address space, and resident. */
  readonly virtualBytes: number;
  readonly residentBytes: number;
  /** `pts/0` as it is called inside, `?` without a terminal. */
  readonly tty: string;
  /** At most 15 bytes of the program's name, or what the process calls itself. */
  readonly name: string;
  /** Empty for one that has ended and waits to be reaped. At most 64 KiB of it. */
  readonly command: readonly string[];
}

/** Of the kernel's interface to user space: the same on every supported machine (USER_HZ, getconf CLK_TCK). */
const TICK_MS = 10;
const MOST_COMMAND = 65_536;

/**
 * The processes of a running container, by their numbers: those in its cgroup, whoever started them.
 * @throws NoContainerError; UserError when it does not run
 */
export function top(name: string, context: UndoContext = undoContext()): readonly ProcessSummary[] {
  const { init } = findRunning(name, context.roots);
  const listed = openCgroup(probeHost().cgroup, name, {}).pids();
  // Where no cgroup is mounted the family tells: but for what "exec" puts beside it.
  const pids = listed.length > 0 ? listed : family(init.pid);
  const ids = readIdMap(init.pid);
  const now = { wall: Date.now(), uptimeMs: uptime() };
  return [...new Set(pids)]
    .sort((a, b) => a - b)
    .map((pid) => readProcess(pid, ids, now))
    .filter((process) => process !== undefined);
}

/** Init and whoever descends from it. */
function family(init: number): number[] {
  const all = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  const parents = new Map(all.map((pid) => [pid, parseProcess(read(`/proc/${pid}/stat`) ?? '')?.ppid]));
  const isOf = (pid: number | undefined): boolean => pid === init || (pid !== undefined && pid > 1 && isOf(parents.get(pid)));
  return all.filter(isOf);
}

interface Clock {
  readonly wall: number;
  readonly uptimeMs: number;
}

function readProcess(pid: number, ids: readonly IdRange[], now: Clock): ProcessSummary | undefined {
  const [stat, status] = [read(`/proc/${pid}/stat`), read(`/proc/${pid}/status`)];
  const fields = parseProcess(stat ?? '');
  if (fields === undefined || status === undefined) return undefined;
  const hostUid = numberOf(status, /^Uid:\t(\d+)/m);
  const ageMs = Math.max(1, now.uptimeMs - fields.startTicks * TICK_MS);
  const cpuMs = fields.cpuTicks * TICK_MS;
  return {
    pid,
    ppid: fields.ppid,
    pidInside: numberOf(status, /^NSpid:.*\t(\d+)$/m),
    uid: hostUid === undefined ? undefined : inside(hostUid, ids),
    hostUid,
    state: fields.state,
    threads: fields.threads,
    started: new Date(now.wall - ageMs).toISOString(),
    cpuPercent: (cpuMs / ageMs) * 100,
    cpuMs,
    virtualBytes: fields.virtualBytes,
    residentBytes: (numberOf(status, /^VmRSS:\s*(\d+) kB$/m) ?? 0) * 1024,
    tty: ttyName(fields.ttyDevice),
    name: fields.name,
    command: readCommand(pid),
  };
}

interface StatFields {
  readonly name: string;
  readonly state: string;
  readonly ppid: number;
  readonly ttyDevice: number;
  readonly cpuTicks: number;
  readonly threads: number;
  readonly startTicks: number;
  readonly virtualBytes: number;
}

/** A line of /proc/PID/stat (proc_pid_stat(5)). The name may hold spaces, parentheses and newlines: what follows the last `)` is fields 3 and up. */
export function parseProcess(stat: string): StatFields | undefined {
  const [open, close] = [stat.indexOf('('), stat.lastIndexOf(')')];
  if (open < 0 || close < open) return undefined;
  const [state = '', ...rest] = stat
    .slice(close + 2)
    .trim()
    .split(' ');
  // rest[0] is field 4.
  const field = (number: number): number => Number(rest[number - 4]);
  const cpuTicks = field(14) + field(15);
  if (!Number.isFinite(cpuTicks) || !Number.isFinite(field(22))) return undefined;
  return {
    name: stat.slice(open + 1, close),
    state,
    ppid: field(4),
    ttyDevice: field(7),
    cpuTicks,
    threads: field(20),
    startTicks: field(22),
    virtualBytes: field(23),
  };
}

/** dev_t of stat(2): the minor's low eight bits, the major, the rest of the minor. 136 to 143 are pseudo-terminals, 4 the consoles (devices.txt). */
export function ttyName(device: number): string {
  if (device === 0) return '?';
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return `${major}:${minor}`;
}

export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Lines of /proc/PID/uid_map (user_namespaces(7)). */
export function parseIdMap(text: string): readonly IdRange[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)$/gm)].map(([, first, second, third]) => ({
    inside: Number(first),
    outside: Number(second),
    count: Number(third),
  }));
}

function inside(id: number, ids: readonly IdRange[]): number | undefined {
  const range = ids.find(({ outside, count }) => id >= outside && id < outside + count);
  return range && range.inside + (id - range.outside);
}

function readIdMap(pid: number): readonly IdRange[] {
  return parseIdMap(read(`/proc/${pid}/uid_map`) ?? '');
}

function numberOf(text: string, pattern: RegExp): number | undefined {
  const [, digits] = pattern.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function uptime(): number {
  return Number((read('/proc/uptime') ?? '0').split(' ')[0]) * 1000;
}

/** Words, each ended by a NUL; a process may have written over them, and they may be megabytes. */
function readCommand(pid: number): readonly string[] {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/cmdline`, 'r');
  } catch {
    return [];
  }
  try {
    const buffer = Buffer.alloc(MOST_COMMAND);
    const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0)).replace(/\0+$/, '');
    return text === '' ? [] : text.split('\0');
  } catch {
    // It has ended between the two.
    return [];
  } finally {
    closeSync(fd);
  }
}

/** undefined for a process that has ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
