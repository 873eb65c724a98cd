import test from 'ava';
import { cpuPercent, parseNetDev } from '../src/stats.js';

test('percent of one processor, from two samples', (t) => {
  t.is(cpuPercent({ cpuMicros: 1_000_000, clockMs: 500 }, { cpuMicros: 1_500_000, clockMs: 1500 }), 50);
  t.is(cpuPercent({ cpuMicros: 0, clockMs: 0 }, { cpuMicros: 2_000_000, clockMs: 1000 }), 200);
  t.is(cpuPercent({ cpuMicros: 5, clockMs: 0 }, { cpuMicros: 5, clockMs: 1000 }), 0);
});

test('no percent without two samples of the same counter', (t) => {
  t.is(cpuPercent(undefined, { cpuMicros: 5, clockMs: 1 }), undefined);
  t.is(cpuPercent({ cpuMicros: undefined, clockMs: 0 }, { cpuMicros: 5, clockMs: 1 }), undefined);
  t.is(cpuPercent({ cpuMicros: 9, clockMs: 0 }, { cpuMicros: 5, clockMs: 1 }), undefined, 'it went back');
  t.is(cpuPercent({ cpuMicros: 1, clockMs: 1 }, { cpuMicros: 5, clockMs: 1 }), undefined, 'no time between');
});

test('interfaces are summed without loopback, whatever they are called', (t) => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  999      9    0    0    0     0          0         0      999       9    0    0    0     0       0          0
  eth0: 1000     10    0    0    0     0          0         0       20       2    0    0    0     0       0          0
veth\x1b[1m:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0
`;
  t.deepEqual(parseNetDev(text), { received: 1001, sent: 22 });
  t.deepEqual(parseNetDev(''), { received: 0, sent: 0 });
});
