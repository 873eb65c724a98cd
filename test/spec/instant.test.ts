import test from 'ava';
import { UserError } from '../../src/errors.js';
import { parseInstant } from '../../src/spec/instant.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

for (const [text, expected] of [
  ['now', NOW],
  ['10m', NOW - 600_000],
  ['1h30m', NOW - 5_400_000],
  ['1.5s', NOW - 1500],
  ['300ms', NOW - 300],
  ['0s', NOW],
  ['1772366400', 1_772_366_400_000],
  ['1772366400.25', 1_772_366_400_250],
  ['1772366400.123456789', 1_772_366_400_123],
  ['2026-03-01T12:00:00Z', NOW],
  ['2026-03-01T12:00:00.5Z', NOW + 500],
  ['2026-03-01T12:00:00.123456789Z', NOW + 123],
  ['2026-03-01T14:00:00+02:00', NOW],
  ['2026-03-01T12:00Z', NOW],
  ['2026-03-01T12Z', NOW],
  ['2026-03-01T00:00', new Date(2026, 2, 1).getTime()],
  ['2026-03-01', new Date(2026, 2, 1).getTime()],
] as const) {
  test(`${text} is a time`, (t) => t.is(parseInstant(text, '--since', NOW), expected));
}

for (const text of ['', 'yesterday', '10', '-10m', '10x', '2026-13-01', '2026-03-01T25:00:00Z', '1e9', 'm', '2026', '\x1b[31m']) {
  // Seconds since 1970, as docker reads a bare number.
  if (text === '10' || text === '2026') test(`${text} is seconds`, (t) => t.is(parseInstant(text, '--since', NOW), Number(text) * 1000));
  else {
    test(`${JSON.stringify(text)} is no time`, (t) => {
      const error = t.throws(() => parseInstant(text, '--since', NOW), { instanceOf: UserError });
      t.regex(error?.message ?? '', /^--since: ".*" is not a time$/);
      t.notRegex(error?.message ?? '', /\x1b/);
    });
  }
}
