import type { ContainerCgroup } from './cgroup/container.js';
import type { CgroupStats } from './cgroup/driver.js';
import { oomVictim } from './cgroup/oom.js';
import { exitCodeOf } from './exit-code.js';
import type { ExecResult, ExitReason, Result } from './options.js';
import type { Ended } from './state/ended.js';
import type { ExitRecord } from './state/record.js';

/** How a container ended, as the helper and the supervisor saw it. */
export interface Ending {
  readonly name: string;
  readonly command: readonly string[];
  readonly ended: Ended;
  readonly stats: CgroupStats;
  readonly victim: string | undefined;
  /** With a reaper PID 1 ends by exit codes alone. */
  readonly reaper: boolean;
  readonly timedOut: boolean;
  readonly canceled: boolean;
}

/** A result but for what is only known once the last of the output is read. */
export type Outcome = Omit<Result, Late>;
/** The same of a further command. */
export type CommandOutcome = Omit<ExecResult, Late>;
type Late = 'stdout' | 'stderr' | 'stdoutBytes' | 'stderrBytes' | 'durationMs';

/** Reads the counters after the end and before the cgroup goes. */
export function readEnding(cgroup: Pick<ContainerCgroup, 'stats'>, name: string, since: number): Pick<Ending, 'stats' | 'victim'> {
  const stats = cgroup.stats();
  return { stats, victim: stats.oomKills ? oomVictim(name, since) : undefined };
}

export function toOutcome(ending: Ending): Outcome {
  const { stats, canceled, ended } = ending;
  const timedOut = ending.timedOut || ended.timedOut;
  const { exitCode, signal, byKill } = exitCodeOf(ended, ending.reaper, timedOut);
  const ours = timedOut || canceled || ended.forced !== 0 || ended.killed;
  // Counters, not guesses: killed by SIGKILL, by nobody we know, and the kernel counted a kill by the limit.
  const oomKilled = byKill && !ours && (stats.oomKills ?? 0) > 0;
  return {
    ...commandEnd(ending, { exitCode, signal, timedOut }),
    oomKilled,
    oomKills: stats.oomKills ?? 0,
    oomVictim: ending.victim,
    reason: reasonOf({ timedOut, canceled, oomKilled, signal }),
    usage: {
      peakMemory: stats.memoryPeak,
      memoryLimit: stats.memoryLimit,
      cpuUserMs: ended.user / 1000,
      cpuSystemMs: ended.system / 1000,
    },
  };
}

/** What the end of any command is told by, with execa's names. */
function commandEnd(
  { name, command, canceled }: Pick<Ending, 'name' | 'command' | 'canceled'>,
  { exitCode, signal, timedOut }: Pick<Outcome, 'exitCode' | 'signal' | 'timedOut'>,
): Pick<Outcome, 'name' | 'command' | 'exitCode' | 'signal' | 'failed' | 'timedOut' | 'isCanceled' | 'isTerminated'> {
  const isTerminated = signal !== undefined;
  return { name, command, exitCode, signal, failed: exitCode !== 0, timedOut, isCanceled: canceled, isTerminated };
}

/** How a further command in a container ended. */
export function toCommandOutcome(ending: Omit<Ending, 'stats' | 'victim' | 'reaper'>): CommandOutcome {
  const { ended, timedOut, canceled } = ending;
  const { exitCode, signal } = exitCodeOf(ended, false, timedOut);
  return {
    ...commandEnd(ending, { exitCode, signal, timedOut }),
    reason: timedOut ? 'timeout' : canceled ? 'canceled' : signal ? 'signal' : 'exit',
    usage: { cpuUserMs: ended.user / 1000, cpuSystemMs: ended.system / 1000 },
  };
}

/** An outcome, once all of the output is there. */
export function withOutput<T>(
  outcome: T,
  { stdout, stderr }: { stdout: Buffer; stderr: Buffer },
  durationMs: number,
): T & Pick<Result, Late> {
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
export function exitRecord({ exitCode, signal, reason, oomKills }: Outcome, { finished, start }: Ended): ExitRecord {
  return { exitCode, signal: signal ?? null, reason, oomKills, finished: new Date(finished * 1000).toISOString(), start };
}

function reasonOf(why: { timedOut: boolean; canceled: boolean; oomKilled: boolean; signal: NodeJS.Signals | undefined }): ExitReason {
  if (why.timedOut) return 'timeout';
  if (why.canceled) return 'canceled';
  if (why.oomKilled) return 'oom';
  return why.signal ? 'signal' : 'exit';
}
