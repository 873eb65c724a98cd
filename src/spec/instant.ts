import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** As Go writes durations: `1h30m`, `10m`, `1.5s`, `300ms`. */
const DURATION = /^(?:(\d{1,9}(?:\.\d{1,9})?)h)?(?:(\d{1,9}(?:\.\d{1,9})?)m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9})ms)?$/;
const UNITS = [3_600_000, 60_000, 1000, 1];
const UNIX = /^(\d{1,11})(?:\.(\d{1,9}))?$/;
/** RFC 3339, and its beginnings: without a zone it is local time, without a time of day midnight. */
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/**
 * A point in time as docker's `--since` and `--until` take it, in milliseconds since 1970: RFC 3339, seconds since 1970, a
 * duration before `now` (`10m`, `1h30m`), or `now`.
 * @throws UserError
 */
export function parseInstant(text: string, what: string, now = Date.now()): number {
  if (text === 'now') return now;
  const [, seconds, fraction = ''] = UNIX.exec(text) ?? [];
  if (seconds !== undefined) return Number(seconds) * 1000 + Math.floor(Number(fraction.padEnd(9, '0').slice(0, 3)));
  const duration = text === '' ? null : DURATION.exec(text);
  if (duration) return now - UNITS.reduce((sum, unit, at) => sum + unit * Number(duration[at + 1] ?? 0), 0);
  // Date.parse takes a date alone as UTC, and hours without minutes not at all.
  const date = DATE.test(text) ? Date.parse(text.replace(/^(.{10})$/, '$1T00:00').replace(/(T\d\d)(?=$|Z|[+-])/, '$1:00')) : Number.NaN;
  if (!Number.isNaN(date)) return date;
  throw new UserError(`${what}: ${quote(text)} is not a time`, {
    hint: `${what} 10m (ago), ${what} 2026-03-01T12:00:00Z, or seconds since 1970`,
  });
}
