import test from 'ava';
import { givenRanges } from '../src/ids.js';

const FIRST = 0x70000000;

test('ranges of subuid(5) are seen however their numbers are written, as newuidmap takes them', (t) => {
  for (const line of [
    'root:1879048192:65536',
    'root:0x70000000:65536',
    'root:1879048192:0x10000',
    'root: 1879048192:65536',
    'root:+1879048192:65536',
    'root:016000000000:65536',
    'root:1879048192:0200000',
  ])
    for (const text of [line, `${line}\n`, `${line}\r\n`, `\nother:100000:65536\n${line}\nlast:165536:65536`])
      t.deepEqual(givenRanges(text, true), [[FIRST, 65536]], JSON.stringify(text));
});

test('a range that begins below and reaches into those of containers counts, others and what is no line do not', (t) => {
  const lines = ['a:100000:65536', 'b:1879048000:1000', '', '# c', 'd:1879048192', 'e::', 'f:x:y', '+::::::', 'g:-1:1'];
  t.deepEqual(givenRanges(lines.join('\n'), true), [[1879048000, 1000]]);
});

test('of users and groups the third field counts, one id each', (t) => {
  const lines = [
    'root:x:0:0:root:/root:/bin/sh',
    'high:x:1879048200:0::/:',
    ' :x: 1879048201:0::/:',
    'plus:x:+1879048202:',
    '+::::::',
    'short:x',
  ];
  const expected = [1879048200, 1879048201, 1879048202].map((id) => [id, 1]);
  t.deepEqual(givenRanges(lines.join('\n'), false), expected);
});
