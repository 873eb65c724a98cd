import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { LONGEST_TIMEOUT, parseDuration } from '../../src/spec/duration.js';

test('a bare number is seconds; units add up', (t) => {
  const cases = {
    '5': 5000,
    '0.5': 500,
    '500ms': 500,
    '90s': 90_000,
    '2m': 120_000,
    '1h30m': 5_400_000,
    '1m1s1ms': 61_001,
    '1.5h': 5_400_000,
    '1ms': 1,
  };
  for (const [text, expected] of Object.entries(cases)) t.is(parseDuration(text), expected, text);
});

test('what is no time is refused', (t) => {
  for (const text of ['', '-1', '1x', '1m2h', 's', '1 s', '.', '1e3', '1s\n', '5.', '1s1', '٣'])
    t.throws(() => parseDuration(text), { instanceOf: UserError, message: /is not a time/ }, JSON.stringify(text));
  for (const text of ['0', '0s', '0h0m', '0.0001s']) t.throws(() => parseDuration(text), { message: /no time at all/ }, text);
});

test('what a timer of Node would fire at once is refused', (t) => {
  t.is(parseDuration('2147483s647ms'), LONGEST_TIMEOUT);
  t.throws(() => parseDuration('2147483s648ms'), { message: /longer than/ });
  t.throws(() => parseDuration('999999999h'), { message: /longer than/ });
});

test('hours, minutes, seconds and milliseconds are read back', (t) => {
  const part = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(part(500), part(59), part(59), part(999), (h, m, s, ms) => {
      const expected = ((h * 60 + m) * 60 + s) * 1000 + ms;
      fc.pre(expected > 0);
      return parseDuration(`${h}h${m}m${s}s${ms}ms`) === expected;
    }),
  );
  t.pass();
});
