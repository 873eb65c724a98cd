import type { CheckId } from '../check-ids.js';
import { UserError } from '../errors.js';
import { printable } from '../format/printable.js';
import { isPasteable } from '../format/shell-word.js';
import type { OpName } from '../plan/ops.js';
import { codeOf } from '../state/failure.js';
import type { Finding, Fix, ProbeFailure } from './check.js';
import { isForRights } from './rights.js';

/**
 * What an error of `run` means to a check: a failure of its own, or one that another check tells.
 * @param more what this check knows better than the error.
 * @throws what is neither a UserError nor a failed system call: a bug of ours
 */
export function toFinding(error: unknown, id: CheckId, more: Partial<Finding> = {}): Finding {
  if (!(error instanceof UserError)) {
    // A system call that failed where nobody foresaw it: the machine's doing, and no reason to keep the other checks back.
    if (codeOf(error) === undefined) throw error;
    return { verdict: 'fail', observed: (error as Error).message, ...more };
  }
  const check = blamed(error, id);
  return check === undefined ? { ...failure(error), ...more } : elsewhere(check);
}

/** The other check that an error of `run` is about. */
export function blamed(error: unknown, id: CheckId): CheckId | undefined {
  if (!(error instanceof UserError)) return undefined;
  const check = isForRights(codeOf(error.cause)) ? 'capabilities' : error.check;
  return check === id ? undefined : check;
}

/** In the error's own words. */
export function failure(error: UserError): Finding {
  return { verdict: 'fail', observed: error.message, ...toFix(error) };
}

export function elsewhere(check: CheckId): Finding {
  return { verdict: 'unknown', observed: `could not be tried: see ${check}` };
}

/**
 * What a failed probe is to a check.
 * @param own the ops that the check is about, beside those whose errors point to it
 * @returns a finding when another check tells it; undefined when it is the check's own
 */
export function toldElsewhere(failed: ProbeFailure, id: CheckId, own: readonly OpName[] = []): Finding | undefined {
  // Of the process, not of what was tried: starved.ts has it tried again.
  if (/^(EMFILE|ENFILE|EAGAIN)$/.test(failed.code)) return { verdict: 'unknown', observed: `could not be tried: ${failed.reason}` };
  const check = isForRights(failed.code) ? 'capabilities' : failed.check;
  if (check === id || (own.includes(failed.op) && check !== 'system-calls' && check !== 'capabilities')) return undefined;
  return elsewhere(check);
}

/** Words stay words: a command is never made of them. */
function toFix({ hint, commands }: UserError): { fix?: Fix } {
  if (commands !== undefined) return { fix: { commands } };
  return hint === undefined ? {} : { fix: { advice: hint } };
}

/** Where a name is in the way of a command that can be pasted, it is told in words. */
export function inPasteable(finding: Finding): Finding {
  const { commands = [], advice, ...rest } = finding.fix ?? {};
  if (commands.every(isPasteable)) return finding;
  const told = `the name of a file cannot be typed as it stands, so these lines are to be read only: ${commands.map(printable).join('; ')}`;
  return { ...finding, fix: { ...rest, advice: advice === undefined ? told : `${told}\n${advice}` } };
}

/** Runs the parts of a check side by side: each tells by itself what failed. */
export async function eachOf<T>(
  items: readonly T[],
  id: CheckId,
  look: (item: T) => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  const findings = items.map(async (item) => {
    try {
      return await look(item);
    } catch (error) {
      return toFinding(error, id);
    }
  });
  return (await allEnded(findings)).flat();
}

/** As Promise.all, but it rejects only when all have ended: nothing goes on behind the back of who catches that. */
export async function allEnded<T extends readonly unknown[]>(promises: T): Promise<{ -readonly [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
