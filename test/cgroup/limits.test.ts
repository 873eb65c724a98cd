import test from 'ava';
import { checkResources, isAccepted, isUnlimited, limitsV1, limitsV2, sharesToWeight } from '../../src/cgroup/limits.js';
import type { Resources } from '../../src/spec/types.js';

const PARENT = { cpus: '0-3', mems: '0' };
const v1 = (resources: Resources): string[] => limitsV1(resources, PARENT).map(show);
const v2 = (resources: Resources): string[] => limitsV2(resources).map(show);
function show({ controller, file, value, optional }: { controller: string; file: string; value: string; optional: boolean }): string {
  return `${controller}: ${file} = ${value}${optional ? ' ?' : ''}`;
}

test('memory without swap: version 1 sets the limit before memsw', (t) => {
  const expected = ['memory: memory.limit_in_bytes = 52428800', 'memory: memory.memsw.limit_in_bytes = 52428800 ?'];
  t.deepEqual(v1({ memory: { limit: 52428800 } }), expected);
  t.deepEqual(v1({ memory: { limit: 52428800n, swap: 52428800 } }), expected);
});

test('memory without swap: version 2', (t) => {
  t.deepEqual(v2({ memory: { limit: 52428800 } }), [
    'memory: memory.max = 52428800',
    'memory: memory.swap.max = 0 ?',
    'memory: memory.oom.group = 0 ?',
  ]);
});

test('memory with swap needs a kernel that counts it', (t) => {
  const memory = { limit: 52428800, swap: 104857600 };
  t.deepEqual(v1({ memory }), ['memory: memory.limit_in_bytes = 52428800', 'memory: memory.memsw.limit_in_bytes = 104857600']);
  t.deepEqual(v2({ memory }).slice(0, 2), ['memory: memory.max = 52428800', 'memory: memory.swap.max = 52428800']);
});

test('unlimited swap leaves the swap limit alone', (t) => {
  t.deepEqual(v1({ memory: { limit: 52428800, swap: -1 } }), ['memory: memory.limit_in_bytes = 52428800']);
  t.false(v2({ memory: { limit: 52428800, swap: -1 } }).some((write) => write.includes('swap')));
});

test('numbers stay exact beyond 2^53', (t) => {
  t.is(v1({ memory: { limit: 9007199254740993n } })[0], 'memory: memory.limit_in_bytes = 9007199254740993');
  t.throws(() => v1({ memory: { limit: 2 ** 60 } }), { name: 'BugError' });
  t.throws(() => v1({ pids: { limit: 1.5 } }), { name: 'BugError' });
});

test('pids', (t) => {
  t.deepEqual(v1({ pids: { limit: 2048 } }), ['pids: pids.max = 2048']);
  t.deepEqual(v2({ pids: { limit: 2048 } }), ['pids: pids.max = 2048']);
  t.deepEqual(v1({ pids: { limit: -1 } }), []);
});

test('cpu time', (t) => {
  const cpu = { quota: 50000, period: 100000 };
  t.deepEqual(v1({ cpu }), ['cpu: cpu.cfs_period_us = 100000', 'cpu: cpu.cfs_quota_us = 50000']);
  t.deepEqual(v2({ cpu }), ['cpu: cpu.max = 50000 100000']);
  t.deepEqual(v2({ cpu: { quota: 50000 } }), ['cpu: cpu.max = 50000 100000']);
  t.deepEqual(v2({ cpu: { quota: -1, period: 50000 } }), ['cpu: cpu.max = max 50000']);
});

test('cpu shares', (t) => {
  t.deepEqual(v1({ cpu: { shares: 512 } }), ['cpu: cpu.shares = 512']);
  t.deepEqual(v2({ cpu: { shares: 512 } }), ['cpu: cpu.weight = 20']);
  t.deepEqual([2, 1024, 262144, 1, 10 ** 9].map(sharesToWeight), [1, 39, 10000, 1, 10000]);
});

test('a version 1 cpuset takes from its parent what was not asked for, memory nodes first', (t) => {
  t.deepEqual(v1({ cpu: { cpus: '1' } }), ['cpuset: cpuset.mems = 0', 'cpuset: cpuset.cpus = 1']);
  t.deepEqual(v1({ cpu: { mems: '0' } }), ['cpuset: cpuset.mems = 0', 'cpuset: cpuset.cpus = 0-3']);
  t.deepEqual(v2({ cpu: { cpus: '1' } }), ['cpuset: cpuset.cpus = 1']);
});

test('nothing asked, nothing written', (t) => {
  t.deepEqual(v1({}), []);
  t.deepEqual(v2({ memory: {}, cpu: {} }), []);
});

test('never the kernel memory limit, never oom_kill_disable', (t) => {
  const all: Resources = {
    memory: { limit: 52428800, swap: 62428800 },
    cpu: { shares: 2, quota: 1000, period: 1000, cpus: '0', mems: '0' },
    pids: { limit: 1 },
  };
  for (const { file } of [...limitsV1(all, PARENT), ...limitsV2(all)]) t.notRegex(file, /kmem|oom_control/);
});

test('contradictions are refused in words', (t) => {
  t.throws(() => checkResources({ memory: { limit: 100, swap: 99 } }), { name: 'UserError', message: /99 bytes.*less than.*100 bytes/ });
  t.throws(() => checkResources({ memory: { swap: 99 } }), { name: 'UserError', message: /needs a memory limit/ });
  t.notThrows(() => checkResources({ memory: { limit: 100, swap: -1 } }));
  t.notThrows(() => checkResources({ memory: { limit: 100n, swap: 100 } }));
});

const size = (value: string): { kind: 'size'; value: string } => ({ kind: 'size', value });
const list = (value: string): { kind: 'list'; value: string } => ({ kind: 'list', value });

test('a size may be rounded down to a page and no further', (t) => {
  t.true(isAccepted(size('52428801'), '52428800'));
  t.true(isAccepted(size('52428800'), '52428800'));
  t.false(isAccepted(size('52428800'), '52428801'));
  t.false(isAccepted(size('52428800'), '9223372036854771712'));
  t.false(isAccepted(size('52428800'), 'max'));
  t.false(isAccepted(size('52428800'), ''));
  t.true(isAccepted(size('9223372036854775807'), '9223372036854771712'));
});

test('a list is compared by its members', (t) => {
  t.true(isAccepted(list('1,0'), '0-1'));
  t.true(isAccepted(list('0-2,2,5'), '0-2,5'));
  t.false(isAccepted(list('0-1'), '0'));
  t.false(isAccepted(list('all'), 'all'));
  t.false(isAccepted(list('0'), ''));
});

test('other values are compared as text', (t) => {
  t.true(isAccepted({ kind: 'exact', value: '50000 100000' }, '50000 100000'));
  t.false(isAccepted({ kind: 'exact', value: '1' }, '2'));
});

test("version 1's number for no limit, with pages of 4 and of 64 KiB", (t) => {
  t.true(isUnlimited(Number('9223372036854771712')));
  t.true(isUnlimited(Number('9223372036854710272')));
  t.false(isUnlimited(2 ** 62));
});
