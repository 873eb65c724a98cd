import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** Ranges of the flags that are whole numbers. `unlimited`: −1 is taken beside the range. */
export const WHOLE = {
  'pids-limit': { least: 1, most: 4_194_304, unlimited: true, example: '--pids-limit 100; -1 means unlimited' },
  'cpu-shares': { least: 2, most: 262_144, unlimited: false, example: '--cpu-shares 512; 1024 is usual' },
} as const;

/**
 * The text of `--pids-limit` (1 to 4194304, PID_MAX_LIMIT of proc(5); −1 = unlimited) or `--cpu-shares` (2 to 262144, cgroups(7)).
 * @throws UserError for another text or a number out of range.
 */
export function parseWhole(flag: keyof typeof WHOLE, text: string): number {
  const number = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (isWhole(flag, number)) return number;
  const { least, most, example } = WHOLE[flag];
  throw new UserError(`--${flag} ${quote(text)} is not a whole number from ${least} to ${most}`, { hint: `for example: ${example}` });
}

/** Whether a number is in the flag's range. */
export function isWhole(flag: keyof typeof WHOLE, number: number): boolean {
  const { least, most, unlimited } = WHOLE[flag];
  return (unlimited && number === -1) || (Number.isSafeInteger(number) && number >= least && number <= most);
}
