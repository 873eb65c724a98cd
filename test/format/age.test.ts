import test from 'ava';
import { formatAge } from '../../src/format/age.js';

const S = 1000,
  M = 60 * S,
  H = 60 * M,
  D = 24 * H;
for (const [ms, text] of [
  [-5 * H, 'less than a second ago'],
  [NaN, 'less than a second ago'],
  [0, 'less than a second ago'],
  [999, 'less than a second ago'],
  [S, '1 second ago'],
  [2 * S, '2 seconds ago'],
  [59_999, '59 seconds ago'],
  [M, 'about a minute ago'],
  [2 * M, '2 minutes ago'],
  [59 * M + 59 * S, '59 minutes ago'],
  [H, 'about an hour ago'],
  [2 * H - 1, 'about an hour ago'],
  [2 * H, '2 hours ago'],
  [47 * H, '47 hours ago'],
  [2 * D, '2 days ago'],
  [13 * D, '13 days ago'],
  [14 * D, '2 weeks ago'],
  [89 * D, '12 weeks ago'],
  [90 * D, '3 months ago'],
  [729 * D, '24 months ago'],
  [730 * D, '2 years ago'],
  [5000 * D, '13 years ago'],
] as const) {
  test(`${ms} ms: ${text}`, (t) => {
    t.is(formatAge(ms), text);
  });
}
