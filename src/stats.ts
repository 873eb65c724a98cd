import { readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { CgroupCounters } from './cgroup/counters.js';
import { openCgroup } from './cgroup/open.js';
import { find } from './find.js';
import type { CgroupFacts } from './host/facts.js';
import { probeHost } from './host/probe.js';
import { type ShownStatus, shownStatus } from './pause.js';
import { initAlive } from './state/status.js';
import { type Entry, readAll } from './state/store.js';
import { ownCgroups, type UndoContext, undoContext } from './undo.js';

/** One sample of one container. What is undefined is not known: it does not run, or the kernel does not count it. */
export interface ContainerStats {
  readonly name: string;
  /** Random; tells two containers that had one name after the other apart. */
  readonly id: string | undefined;
  /** ISO 8601, UTC: when it was read. */
  readonly time: string;
  readonly status: ShownStatus;
  /** Of one processor, so that two busy ones make 200; undefined without an earlier sample. */
  readonly cpuPercent: number | undefined;
  /** Microseconds of processor time so far, of ended processes too. */
  readonly cpuMicros: number | undefined;
  /** Microseconds in which `--cpus` held it back so far. */
  readonly throttledMicros: number | undefined;
  /** Bytes, without file pages that nobody used lately (docker counts so). */
  readonly memoryUsage: number | undefined;
  /** Bytes of those file pages. */
  readonly memoryCache: number | undefined;
  /** Bytes; the most so far, cache included. */
  readonly memoryPeak: number | undefined;
  /** Bytes; undefined: no limit. */
  readonly memoryLimit: number | undefined;
  /** `memoryUsage` of the limit, or of the machine's memory without one. */
  readonly memoryPercent: number | undefined;
  /** Bytes over all interfaces but loopback; undefined in the network of the host. */
  readonly netReceived: number | undefined;
  readonly netSent: number | undefined;
  /** Bytes from and to block devices. */
  readonly blockRead: number | undefined;
  readonly blockWritten: number | undefined;
  /** Processes and threads. */
  readonly pids: number | undefined;
  /** undefined: no limit. */
  readonly pidsLimit: number | undefined;
  /** Milliseconds of a clock that is never set, for the difference of two samples. */
  readonly clockMs: number;
}

export interface StatsOptions {
  /** The sample before: {@link ContainerStats.cpuPercent} is counted from there. */
  readonly since?: readonly ContainerStats[];
  /** Without names: those that do not run, too. */
  readonly all?: boolean;
}

/**
 * One sample of each of these containers, or of all that run, by name.
 * @throws NoContainerError for a name that no container has; UserError when the state cannot be read: not root
 */
export function stats(
  names?: readonly string[],
  { since = [], all = false }: StatsOptions = {},
  context: UndoContext = undoContext(),
): readonly ContainerStats[] {
  const entries = names === undefined ? readAll(context.roots) : names.map((name) => find(name, context.roots));
  const shown = names === undefined && !all ? entries.filter(initAlive) : entries;
  let facts: CgroupFacts | undefined;
  return shown.map((entry) => {
    const hasCgroup = ownCgroups(entry).length > 0;
    if (hasCgroup) facts ??= probeHost().cgroup;
    const sample = toSample(entry, hasCgroup && facts ? openCgroup(facts, entry.name, {}).counters() : undefined);
    return { ...sample, cpuPercent: cpuPercent(before(since, sample), sample) };
  });
}

function toSample(entry: Entry, counters: CgroupCounters | undefined): ContainerStats {
  const { memoryUsage, memoryCache = 0, memoryLimit } = counters ?? {};
  const used = memoryUsage === undefined ? undefined : Math.max(0, memoryUsage - memoryCache);
  const net = initAlive(entry) && entry.init ? readNet(entry.init.pid) : undefined;
  return {
    name: entry.name,
    id: entry.record?.id,
    time: new Date().toISOString(),
    status: shownStatus(entry),
    cpuPercent: undefined,
    cpuMicros: counters?.cpuMicros,
    throttledMicros: counters?.throttledMicros,
    memoryUsage: used,
    memoryCache: counters?.memoryCache,
    memoryPeak: counters?.memoryPeak,
    memoryLimit,
    memoryPercent: used === undefined ? undefined : (used / (memoryLimit ?? totalmem())) * 100,
    netReceived: net?.received,
    netSent: net?.sent,
    blockRead: counters?.readBytes,
    blockWritten: counters?.writtenBytes,
    pids: counters?.pids,
    pidsLimit: counters?.pidsLimit,
    clockMs: performance.now(),
  };
}

function before(since: readonly ContainerStats[], { name, id }: ContainerStats): ContainerStats | undefined {
  return since.find((other) => other.name === name && other.id === id);
}

/** Processor time between two samples, of one processor's. */
export function cpuPercent(
  earlier: Pick<ContainerStats, 'cpuMicros' | 'clockMs'> | undefined,
  later: Pick<ContainerStats, 'cpuMicros' | 'clockMs'>,
): number | undefined {
  if (earlier?.cpuMicros === undefined || later.cpuMicros === undefined) return undefined;
  const elapsed = (later.clockMs - earlier.clockMs) * 1000;
  // A counter that went back is another cgroup's.
  if (elapsed <= 0 || later.cpuMicros < earlier.cpuMicros) return undefined;
  return ((later.cpuMicros - earlier.cpuMicros) / elapsed) * 100;
}

/** What the interfaces of its network namespace have carried; undefined for the host's own network. */
function readNet(pid: number): { received: number; sent: number } | undefined {
  try {
    if (statSync(`/proc/${pid}/ns/net`).ino === statSync('/proc/self/ns/net').ino) return undefined;
    return parseNetDev(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch {
    // It has just ended.
    return undefined;
  }
}

/** Sums /proc/PID/net/dev (proc_pid_net(5)) over all interfaces but loopback. The name of one may hold any character but `/`, `:` and blanks. */
export function parseNetDev(text: string): { received: number; sent: number } {
  let [received, sent] = [0, 0];
  for (const [, name, numbers = ''] of text.matchAll(/^\s*([^\s:|]+):\s*(\d[\d\s]*)$/gm)) {
    const fields = numbers.trim().split(/\s+/).map(Number);
    if (name === 'lo') continue;
    received += fields[0] ?? 0;
    sent += fields[8] ?? 0;
  }
  return { received, sent };
}
