import { setTimeout } from 'node:timers/promises';
import type { CheckId } from '../check-ids.js';
import { UserError } from '../errors.js';
import { probeHost } from '../host/probe.js';
import { randomName } from '../state/file.js';
import { stateRoots } from '../state/roots.js';
import { type Check, type Context, type Finding, GROUPS, type Group, type Verdict } from './check.js';
import { CHECKS } from './checks.js';
import { allEnded, inPasteable, toFinding } from './finding.js';
import { runProbe } from './probe-plan.js';
import { SCRATCH } from './scratch.js';

export interface DoctorOptions {
  /** Groups and checks, by name; all when empty. */
  readonly only?: readonly string[];
  /** The rootfs to look at; default: the one that `run` takes. */
  readonly rootfs?: string;
  /** Milliseconds that a check may take; they run side by side. Default 8000. */
  readonly patience?: number;
  /** How crt is called by a shell of root, for what is shown to type. Default `crt`. */
  readonly program?: string;
}

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

/** What `crt doctor --json` prints. `version` grows when a field changes its meaning or goes. */
export interface DoctorReport {
  readonly version: 1;
  readonly root: boolean;
  /** The worst of all checks: `fail` means that `crt run` does not work here. */
  readonly verdict: 'pass' | 'warn' | 'fail';
  readonly checks: readonly CheckReport[];
  /** Milliseconds. */
  readonly durationMs: number;
}

const PATIENCE = 8000;
/** Milliseconds that a check has to end once it is given up. */
const TIDYING = 2000;
const ORDER: readonly Verdict[] = ['info', 'pass', 'unknown', 'warn', 'fail'];

/**
 * Proves by trying whether containers can be started here, and what they would lack. Leaves nothing behind.
 * @throws UserError for a group or check that there is not; when /proc is not mounted. An error that nobody foresaw in a check, once all have ended.
 */
export async function doctor(
  { only = [], rootfs, patience = PATIENCE, program = 'crt' }: DoctorOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<DoctorReport> {
  const chosen = choose(only);
  const started = performance.now();
  const isRoot = process.geteuid?.() === 0;
  const facts = probeHost();
  const base = { facts, roots: stateRoots(env), env, isRoot, rootfs, program };
  const checks = await allEnded(chosen.map((check) => examine(check, base, patience)));
  const verdict = worst(checks.map((check) => check.verdict));
  return {
    version: 1,
    root: isRoot,
    verdict: verdict === 'warn' || verdict === 'fail' ? verdict : 'pass',
    checks,
    durationMs: performance.now() - started,
  };
}

/** The checks of these groups and names, in the order of the groups. @throws UserError */
export function choose(only: readonly string[]): readonly Check[] {
  const all = GROUPS.flatMap((group) => CHECKS.filter((check) => check.group === group));
  for (const word of only) {
    if (all.some(({ id, group }) => id === word || group === word)) continue;
    throw new UserError(`crt doctor has no group or check ${JSON.stringify(word)}`, {
      hint: `groups: ${GROUPS.join(' ')}\nchecks: ${all.map(({ id }) => id).join(' ')}`,
    });
  }
  return only.length === 0 ? all : all.filter(({ id, group }) => only.includes(id) || only.includes(group));
}

export function worst(verdicts: readonly Verdict[]): Verdict {
  return ORDER.findLast((verdict) => verdicts.includes(verdict)) ?? 'pass';
}

async function examine(check: Check, base: Omit<Context, 'probe' | 'name' | 'signal'>, patience: number): Promise<CheckReport> {
  const started = performance.now();
  const findings = check.needsRoot && !base.isRoot ? [forRoot(base.program)] : await look(check, base, patience);
  const { id, group, title } = check;
  return { id, group, title, verdict: worst(findings.map(({ verdict }) => verdict)), findings, durationMs: performance.now() - started };
}

function forRoot(program: string): Finding {
  return { verdict: 'unknown', observed: 'only root can look', fix: { commands: [`${program} doctor`] } };
}

async function look(check: Check, base: Omit<Context, 'probe' | 'name' | 'signal'>, patience: number): Promise<readonly Finding[]> {
  const giveUp = new AbortController();
  const context: Context = {
    ...base,
    signal: giveUp.signal,
    probe: (steps) => runProbe(steps, giveUp.signal),
    name: (suffix) => `${SCRATCH}-${process.pid}-${suffix}-${randomName().slice(0, 8)}`,
  };
  const looking = Promise.resolve().then(() => check.run(context));
  try {
    const findings = await within(looking, patience);
    if (findings !== undefined) return findings.map(inPasteable);
    // What is cut off in the middle says nothing any more, but has its things to take away.
    giveUp.abort();
    await within(
      looking.catch(() => []),
      TIDYING,
    );
    return [tooLate(patience)];
  } catch (error) {
    return [inPasteable(toFinding(error, check.id))];
  } finally {
    giveUp.abort();
  }
}

/** Undefined when that takes longer than so many milliseconds. */
async function within<T>(promise: Promise<T>, time: number): Promise<T | undefined> {
  const timer = new AbortController();
  const late = setTimeout(time, undefined, { signal: timer.signal }).catch(() => undefined);
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
