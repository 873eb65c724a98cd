import { setTimeout } from 'node:timers/promises';
import type { CheckId } from '../check-ids.js';
import type { UserError } from '../errors.js';
import type { Check, Context, Finding, Group, Verdict } from './check.js';
import { blamed, failure, inPasteable, toFinding } from './finding.js';
import { runProbe } from './probe-plan.js';
import { scratchName } from './scratch-name.js';
import type { Turns } from './turns.js';

export interface CheckReport {
  readonly id: CheckId;
  readonly group: Group;
  readonly title: string;
  /** The worst of its findings. */
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Milliseconds. */
  readonly durationMs: number;
}

/** What a check said; and in its error's own words, should the check that the error points to see nothing wrong. */
export interface Examined {
  readonly report: CheckReport;
  readonly refusal?: { readonly by: CheckId; readonly finding: Finding };
}

export interface Examination extends Omit<Context, 'probe' | 'name' | 'signal'> {
  /** Milliseconds that a check may take. */
  readonly patience: number;
  /** The caller wants no more. */
  readonly signal: AbortSignal;
  /** For the processes that checks start. */
  readonly probes: Turns;
}

/** Milliseconds that a check has to end once it is given up. */
const TIDYING = 2000;
const ORDER: readonly Verdict[] = ['info', 'pass', 'unknown', 'warn', 'fail'];

export function worst(verdicts: readonly Verdict[]): Verdict {
  return ORDER.findLast((verdict) => verdicts.includes(verdict)) ?? 'pass';
}

/** Runs one check. It has ended then, or was given time to. @throws an error that nobody foresaw; the signal's reason */
export async function examine(check: Check, examination: Examination): Promise<Examined> {
  const { signal, isRoot } = examination;
  signal.throwIfAborted();
  const started = performance.now();
  const looked = check.needsRoot && !isRoot ? { findings: [forRoot(examination.program)] } : await look(check, examination);
  signal.throwIfAborted();
  const report = reportOf(check, looked.findings.map(inPasteable), performance.now() - started);
  return looked.refusal === undefined
    ? { report }
    : { report, refusal: { ...looked.refusal, finding: inPasteable(looked.refusal.finding) } };
}

export function reportOf(
  { id, group, title }: Pick<Check, 'id' | 'group' | 'title'>,
  findings: readonly Finding[],
  durationMs: number,
): CheckReport {
  return { id, group, title, verdict: worst(findings.map(({ verdict }) => verdict)), findings, durationMs };
}

function forRoot(program: string): Finding {
  return { verdict: 'unknown', observed: 'only root can look', fix: { commands: [`${program} doctor`] } };
}

async function look(check: Check, examination: Examination): Promise<{ findings: readonly Finding[]; refusal?: Examined['refusal'] }> {
  const { patience, signal, probes } = examination;
  const giveUp = new AbortController();
  // By its prototype: `roots` may be a getter that throws.
  const context: Context = Object.assign(Object.create(examination) as Examination, {
    signal: giveUp.signal,
    probe: (steps: Parameters<Context['probe']>[0]) => probes.take(() => runProbe(steps, giveUp.signal)),
    name: scratchName,
  });
  const looking = Promise.resolve().then(() => check.run(context));
  try {
    const findings = await within(looking, patience, signal);
    if (findings !== undefined) return { findings };
    // What is cut off in the middle says nothing any more, but has its things to take away.
    giveUp.abort();
    await within(
      looking.catch(() => []),
      TIDYING,
    );
    return { findings: [tooLate(patience)] };
  } catch (error) {
    const findings = [toFinding(error, check.id)];
    const by = blamed(error, check.id);
    return by === undefined ? { findings } : { findings, refusal: { by, finding: failure(error as UserError) } };
  } finally {
    giveUp.abort();
  }
}

/** Undefined when that takes longer than so many milliseconds, or is not wanted any more. */
export async function within<T>(promise: Promise<T>, time: number, signal?: AbortSignal): Promise<T | undefined> {
  const timer = new AbortController();
  const ending = signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]);
  const late = setTimeout(time, undefined, { signal: ending }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

function tooLate(patience: number): Finding {
  return {
    verdict: 'fail',
    observed: `no answer within ${patience} ms`,
    expected: 'an answer within a few milliseconds',
    fix: { advice: 'is the machine very busy, or a disk not answering? uptime; dmesg | tail' },
  };
}
