import type { CheckId } from '../check-ids.js';
import { UserError } from '../errors.js';
import { describeErrno } from '../failure.js';
import { codeOf } from '../state/failure.js';
import type { Finding, Fix, Probed } from './check.js';

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
  if (error.check !== undefined && error.check !== id) return elsewhere(error.check);
  return { verdict: 'fail', observed: error.message, ...toFix(error.hint), ...more };
}

export function elsewhere(check: CheckId): Finding {
  return { verdict: 'unknown', observed: `could not be tried: see ${check}` };
}

/** A hint that is a command is one. */
function toFix(hint: string | undefined): { fix?: Fix } {
  if (hint === undefined) return {};
  const isCommand = hint.startsWith('sudo ') && !hint.startsWith('sudo crt');
  return { fix: isCommand ? { commands: [hint.replaceAll('sudo ', '')] } : { advice: hint } };
}

/** `no such device (ENODEV)`, and the kernel's own words where it gave some. */
export function describeProbe(probed: Extract<Probed, { ok: false }>): string {
  if (probed.errno === 0) return `its process was ${probed.text}`;
  const { words, code } = describeErrno(probed.errno);
  return `${words} (${code})${probed.text ? `: ${probed.text}` : ''}`;
}

/** Runs the parts of a check one by one: each tells by itself what failed. */
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
  return (await Promise.all(findings)).flat();
}
