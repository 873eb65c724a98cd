import test from 'ava';
import { sparkline } from '../../src/format/sparkline.js';

test('the largest value is the highest block, the latest stands at the right', (t) => {
  t.is(sparkline([0, 50, 100], 3, 1), '▁▅█');
  t.is(sparkline([0, 50, 100], 5, 1), '  ▁▅█');
  t.is(sparkline([100, 0, 1], 2, 1), '▁█');
});

test('what idles is flat, what is not known is a gap', (t) => {
  t.is(sparkline([0.1, 0.2], 2, 10), '▁▁');
  t.is(sparkline([undefined, 10, undefined], 3, 10), ' █ ');
  t.is(sparkline([], 2, 10), '  ');
  t.is(sparkline([-5, 10], 2, 10), '▁█');
});
