import { constants } from 'node:os';
import type { ContainerCgroup } from './cgroup/container.js';
import type { CgroupStats } from './cgroup/driver.js';
import { oomVictim } from './cgroup/oom.js';
import type { ExitReason, Result } from './options.js';
import type { ExitRecord } from './state/record.js';

/** How a container ended, as the helper and the supervisor saw it. */
export interface Ending {
  readonly name: string;
  readonly command: readonly string[];
  /** As wait(2) gives it. */
  readonly status: number;
  /** `user=… system=…`, microseconds. */
  readonly times: string;
  readonly stats: CgroupStats;
  readonly victim: string | undefined;
  /** With a reaper PID 1 ends by exit codes alone. */
  readonly reaper: boolean;
  readonly forced: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  readonly canceled: boolean;
}

/** A result but for what is only known once the last of the output is read. */
export type Outcome = Omit<Result, 'stdout' | 'stderr' | 'stdoutBytes' | 'stderrBytes' | 'durationMs'>;

const TIMEOUT_CODE = 124;

/** Reads the counters after the end and before the cgroup goes. */
export function readEnding(cgroup: ContainerCgroup, name: string, since: number): Pick<Ending, 'stats' | 'victim'> {
  const stats = cgroup.stats();
  return { stats, victim: stats.oomKills ? oomVictim(name, since) : undefined };
}

export function toOutcome(ending: Ending): Outcome {
  const killed = ending.status & 0x7f;
  const code = killed ? 128 + killed : (ending.status >> 8) & 0xff;
  const { stats, forced, timedOut, canceled } = ending;
  const ours = timedOut || canceled || forced !== undefined;
  const byKill = killed === constants.signals.SIGKILL || (ending.reaper && code === 128 + constants.signals.SIGKILL);
  // Counters, not guesses: killed by SIGKILL, by nobody we know, and the kernel counted a kill by the limit.
  const oomKilled = byKill && !ours && (stats.oomKills ?? 0) > 0;
  const signal = forced ?? (killed ? signalName(killed) : undefined);
  const exitCode = timedOut ? TIMEOUT_CODE : forced ? 128 + constants.signals[forced] : code;
  const times = new Map(ending.times.split(' ').map((word) => word.split('=', 2) as [string, string]));
  return {
    name: ending.name,
    command: ending.command,
    exitCode,
    signal,
    failed: exitCode !== 0,
    timedOut,
    isCanceled: canceled,
    isTerminated: signal !== undefined,
    oomKilled,
    oomKills: stats.oomKills ?? 0,
    oomVictim: ending.victim,
    reason: reasonOf({ timedOut, canceled, oomKilled, signal }),
    usage: {
      peakMemory: stats.memoryPeak,
      memoryLimit: stats.memoryLimit,
      cpuUserMs: Number(times.get('user') ?? 0) / 1000,
      cpuSystemMs: Number(times.get('system') ?? 0) / 1000,
    },
  };
}

export function toResult(outcome: Outcome, { stdout, stderr }: { stdout: Buffer; stderr: Buffer }, durationMs: number): Result {
  return {
    ...outcome,
    stdout: stdout.toString('utf8'),
    stderr: stderr.toString('utf8'),
    stdoutBytes: stdout,
    stderrBytes: stderr,
    durationMs,
  };
}

/** What is kept of an end beside a kept layer. */
export function exitRecord({ exitCode, signal, reason }: Outcome): ExitRecord {
  return { exitCode, signal: signal ?? null, reason, finished: new Date().toISOString() };
}

function reasonOf(why: { timedOut: boolean; canceled: boolean; oomKilled: boolean; signal: NodeJS.Signals | undefined }): ExitReason {
  if (why.timedOut) return 'timeout';
  if (why.canceled) return 'canceled';
  if (why.oomKilled) return 'oom';
  return why.signal ? 'signal' : 'exit';
}

function signalName(number: number): NodeJS.Signals {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number);
  return (entry?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
