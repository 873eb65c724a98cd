const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/** From when on a unit is used, so that the number in front of it is never a bare 1 for long; as docker ps counts. */
const UNITS: readonly (readonly [from: number, unit: number, name: string])[] = [
  [2 * YEAR, YEAR, 'years'],
  [3 * MONTH, MONTH, 'months'],
  [2 * WEEK, WEEK, 'weeks'],
  [2 * DAY, DAY, 'days'],
  [2 * HOUR, HOUR, 'hours'],
  [2 * MINUTE, MINUTE, 'minutes'],
  [2 * SECOND, SECOND, 'seconds'],
];

/** How long ago, in words: `3 minutes ago`. A negative age (the clock was set back) counts as none. */
export function formatAge(ms: number): string {
  const age = Number.isFinite(ms) ? Math.max(0, ms) : 0;
  // These two have no plural: 60 to 119 minutes, 60 to 119 seconds.
  if (age >= HOUR && age < 2 * HOUR) return 'about an hour ago';
  if (age >= MINUTE && age < 2 * MINUTE) return 'about a minute ago';
  if (age >= SECOND && age < 2 * SECOND) return '1 second ago';
  const found = UNITS.find(([from]) => age >= from);
  if (found === undefined) return 'less than a second ago';
  const [, unit, name] = found;
  return `${Math.floor(age / unit)} ${name} ago`;
}
