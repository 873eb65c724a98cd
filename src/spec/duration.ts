import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** Milliseconds: the longest that a timer of Node can wait (setTimeout fires at once beyond it), 24 days and a bit. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1;

const PARTS = /^(?:(\d{1,9}(?:\.\d{1,9})?)h)?(?:(\d{1,9}(?:\.\d{1,9})?)m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9})ms)?$/;
const UNITS = [3_600_000, 60_000, 1000, 1];

/**
 * The text of `--timeout` in milliseconds: a bare number is seconds; `500ms`, `90s`, `2m`, `1h30m`, `1.5s`.
 * @throws UserError for another text, less than a millisecond, or more than 2^31−1 milliseconds.
 */
export function parseDuration(text: string, what = '--timeout'): number {
  const match = PARTS.exec(/^[\d.]+$/.test(text) ? `${text}s` : text);
  const hint = `a bare number is seconds: ${what} 90; or 500ms, 90s, 2m, 1h30m`;
  if (!match || text === '') throw new UserError(`${what}: ${quote(text)} is not a time`, { hint });
  const milliseconds = Math.round(UNITS.reduce((sum, unit, at) => sum + unit * Number(match[at + 1] ?? 0), 0));
  if (milliseconds < 1) throw new UserError(`${what}: ${quote(text)} is no time at all`, { hint: `leave ${what} out for no limit` });
  if (milliseconds > LONGEST_TIMEOUT) throw new UserError(`${what}: ${quote(text)} is longer than crt can wait`, { hint: 'at most 596h' });
  return milliseconds;
}
