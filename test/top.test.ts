import test from 'ava';
import { parseIdMap, parseProcess, ttyName } from '../src/top.js';

test('the fields of a stat line, whatever the process calls itself', (t) => {
  const rest = 'S 7 42 42 34816 42 4194304 100 0 0 0 150 50 0 0 20 0 3 0 123456 9000000 500 18446744073709551615';
  const wanted = { state: 'S', ppid: 7, ttyDevice: 34816, cpuTicks: 200, threads: 3, startTicks: 123456, virtualBytes: 9_000_000 };
  for (const name of ['sh', 'a b', ') R 1 1', '((', 'x\ny', '']) t.deepEqual(parseProcess(`42 (${name}) ${rest}\n`), { name, ...wanted });
  for (const text of ['', '42', '42 (sh', '42 (sh) S 1', ') (']) t.is(parseProcess(text), undefined, text);
});

test('terminals by the numbers of their devices', (t) => {
  t.deepEqual([0, 34816, 34817, 0x8900, 0x401, 0x440, 0x501].map(ttyName), ['?', 'pts/0', 'pts/1', 'pts/256', 'tty1', 'ttyS0', '5:1']);
  t.is(ttyName((0x88 << 8) | 0x2c | (1 << 20)), 'pts/300');
});

test('maps of ids', (t) => {
  t.deepEqual(parseIdMap('         0 1879048192      65536\n'), [{ inside: 0, outside: 1_879_048_192, count: 65_536 }]);
  t.is(parseIdMap('').length, 0);
});
