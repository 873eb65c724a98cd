import test from 'ava';
import { blockBytesV1, blockBytesV2, countersV1, countersV2, flatKeys } from '../../src/cgroup/counters.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { probeHost } from '../../src/host/probe.js';
import { removeAfter, scratchName } from './scratch.js';

const host = probeHost();

test('flat keys: lines of a name and a number, and no others', (t) => {
  t.deepEqual(
    [...flatKeys('usage_usec 12\nnr_periods 0\nx max\n a 1\n')],
    [
      ['usage_usec', 12],
      ['nr_periods', 0],
    ],
  );
  t.is(flatKeys(undefined).size, 0);
});

test('bytes of block devices are summed over devices, directions apart', (t) => {
  const text = '8:0 Read 4096\n8:0 Write 100\n8:0 Sync 4096\n8:0 Total 4196\n259:3 Read 1\nTotal 4197\n';
  t.deepEqual(blockBytesV1(text), { readBytes: 4097, writtenBytes: 100 });
  t.deepEqual(blockBytesV1('Total 0\n'), { readBytes: 0, writtenBytes: 0 });
  t.deepEqual(blockBytesV2('8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=7 dios=0\n8:16 rbytes=5 wbytes=0 rios=1 wios=0\n'), {
    readBytes: 15,
    writtenBytes: 20,
  });
  t.deepEqual(blockBytesV2(''), { readBytes: 0, writtenBytes: 0 });
  for (const parse of [blockBytesV1, blockBytesV2]) t.deepEqual(parse(undefined), { readBytes: undefined, writtenBytes: undefined });
});

test('of a cgroup that is not there nothing is known', (t) => {
  for (const counters of [countersV1(() => undefined), countersV1(() => '/nowhere'), countersV2('/nowhere')])
    t.deepEqual(new Set(Object.values(counters)), new Set([undefined]));
});

(host.uid === 0 && host.cgroup.mode !== 'none' ? test : test.skip)(
  'a new cgroup has used nothing, and its limits are those asked for',
  (t) => {
    const cgroup = openCgroup(host.cgroup, scratchName(), { memory: { limit: 50 * 1024 ** 2 }, pids: { limit: 7 } });
    removeAfter(t, cgroup.create());
    const { memoryUsage, memoryLimit, pids, pidsLimit, cpuMicros } = cgroup.counters();
    t.is(memoryLimit, 50 * 1024 ** 2);
    t.deepEqual([pids, pidsLimit, cpuMicros], [0, 7, 0]);
    t.true((memoryUsage ?? Infinity) < 1024 ** 2);
  },
);
