import { UserError } from '../errors.js';
import { probeHost } from '../host/probe.js';
import { stateRoots } from '../state/roots.js';
import { type Check, GROUPS } from './check.js';
import { CHECKS } from './checks.js';
import { type CheckReport, type Examination, type Examined, examine, reportOf, worst } from './examine.js';
import { allEnded } from './finding.js';
import { answering } from './hung-disk.js';
import { sweepDead, sweepOwn } from './scratch-sweep.js';
import { isStarved, tellStarved } from './starved.js';
import { Turns } from './turns.js';

export type { CheckReport } from './examine.js';

export interface DoctorOptions {
  /** Groups and checks, by name; all when empty. */
  readonly only?: readonly string[];
  /** The rootfs to look at; default: the one that `run` takes. */
  readonly rootfs?: string;
  /** Milliseconds that a check may take. Default 8000. */
  readonly patience?: number;
  /** How crt is called by a shell of root, for what is shown to type. Default `crt`. */
  readonly program?: string;
  /** Ends the checks; they take away what they have made, and then its reason is thrown. */
  readonly signal?: AbortSignal;
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
/** Checks at once, and processes started by them: a few, so that tight limits of open files and processes are no matter. */
const WIDTH = 5;

/**
 * Proves by trying whether containers can be started here, and what they would lack. Leaves nothing behind.
 * @throws UserError for a group or check that there is not; when /proc is not mounted. The signal's reason. An error that nobody foresaw
 * in a check. The last two once all have ended.
 */
export async function doctor(
  { only = [], rootfs, patience = PATIENCE, program = 'crt', signal = new AbortController().signal }: DoctorOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<DoctorReport> {
  const chosen = choose(only);
  const started = performance.now();
  const isRoot = process.geteuid?.() === 0;
  const facts = probeHost();
  const probes = new Turns(WIDTH);
  const examination = await answering({ facts, roots: stateRoots(env), env, isRoot, rootfs, program, patience, signal, probes });
  if (isRoot) sweepDead(examination);
  const checks = settle(await examineAll(chosen, examination));
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

/** In the order of `checks`. What failed for want of open files or processes is tried again by itself. */
async function examineAll(checks: readonly Check[], examination: Examination): Promise<readonly Examined[]> {
  const turns = new Turns(WIDTH);
  // A whole container takes most: it comes when the others have ended.
  const [last, parts] = [checks.filter(({ id }) => id === 'container'), checks.filter(({ id }) => id !== 'container')];
  const seen = new Map<Check, Examined>();
  const take = async (check: Check, by: Examination): Promise<unknown> => seen.set(check, await examine(check, by));
  const result = (): Examined[] => checks.flatMap((check) => seen.get(check) ?? []);
  try {
    await allEnded(parts.map((check) => turns.take(() => take(check, examination))));
    for (const check of last) await take(check, examination);
    if (!result().some(({ report }) => isStarved(report))) return result();
    const alone = Object.assign(Object.create(examination) as Examination, { probes: new Turns(1) });
    const complaining = checks.filter((check) => !['pass', 'info'].includes(seen.get(check)?.report.verdict ?? ''));
    for (const check of complaining) await take(check, alone);
    sweepOwn(examination);
    return tellStarved(result());
  } catch (error) {
    sweepOwn(examination);
    throw error;
  }
}

/** Where a container was not started, and the check that is blamed sees nothing wrong, the error has the last word. */
function settle(all: readonly Examined[]): readonly CheckReport[] {
  const failed = all.filter(({ report }) => report.verdict === 'fail').map(({ report }) => report.id);
  return all.map(({ report, refusal }) => {
    if (report.id !== 'container' || refusal === undefined || failed.includes(refusal.by)) return report;
    return reportOf(report, [refusal.finding], report.durationMs);
  });
}
