import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { belowUse, change, inOrder, isBelowUse, liftedV1, liftedV2, shrinkFirst } from '../../src/cgroup/changes.js';
import { type LimitWrite, limitsV1, limitsV2 } from '../../src/cgroup/limits.js';
import { UserError } from '../../src/errors.js';

const MIB = 1024 ** 2;
const NONE = { cpus: '', mems: '' };

function folder(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'crt-changes-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}
const files = (writes: readonly LimitWrite[]): string[] => writes.map(({ file }) => file);

test('memory above the old sum: the sum first; else the memory first', (t) => {
  const path = folder(t, { 'memory.memsw.limit_in_bytes': String(50 * MIB) });
  const to = (limit: number, swap: number): string[] => files(inOrder(limitsV1({ memory: { limit, swap } }, NONE), path));
  t.deepEqual(to(60 * MIB, 60 * MIB), ['memory.memsw.limit_in_bytes', 'memory.limit_in_bytes']);
  t.deepEqual(to(40 * MIB, 40 * MIB), ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes']);
  t.deepEqual(to(40 * MIB, 90 * MIB), ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes']);
  const lifted = [...limitsV1({ memory: { limit: 60 * MIB, swap: -1 } }, NONE), ...liftedV1({ memory: { limit: 60 * MIB, swap: -1 } })];
  t.deepEqual(files(inOrder(lifted, path)), ['memory.memsw.limit_in_bytes', 'memory.limit_in_bytes']);
});

test('no limit is written, where a new cgroup just has none', (t) => {
  const resources = { memory: { limit: 60 * MIB, swap: -1 }, pids: { limit: -1 } };
  t.deepEqual(files([...limitsV1(resources, NONE)]), ['memory.limit_in_bytes']);
  t.deepEqual(files(liftedV1(resources)), ['memory.memsw.limit_in_bytes', 'pids.max']);
  t.deepEqual(
    liftedV2(resources).map(({ file, value }) => [file, value]),
    [
      ['memory.swap.max', 'max'],
      ['pids.max', 'max'],
    ],
  );
  t.deepEqual([liftedV1({ pids: { limit: 5 } }), liftedV2({})], [[], []]);
});

test('what fails midway has everything put back', (t) => {
  // What is written to a plain file reads back; a file that is not there fails.
  const path = folder(t, { 'pids.max': '64', 'cpu.weight': '11' });
  const writes = limitsV2({ pids: { limit: 55 }, cpu: { shares: 1024, cpus: '0' } });
  t.deepEqual(files(writes), ['pids.max', 'cpu.weight', 'cpuset.cpus']);
  t.throws(() => change(writes, () => path), { instanceOf: UserError, message: /there is no cpuset.cpus/ });
  t.is(readFileSync(join(path, 'pids.max'), 'utf8'), '64');
  t.is(readFileSync(join(path, 'cpu.weight'), 'utf8'), '11');
  const putBack = change(writes.slice(0, 1), () => path);
  t.is(readFileSync(join(path, 'pids.max'), 'utf8'), '55');
  putBack();
  t.is(readFileSync(join(path, 'pids.max'), 'utf8'), '64');
});

test('a limit below the use: told from other refusals, in words', (t) => {
  const refusal = (file: string, code: string): UserError =>
    new UserError(`the kernel refused ${file} = 1: x`, { cause: Object.assign(new Error(code), { code }) });
  t.true(isBelowUse(refusal('memory.limit_in_bytes', 'EBUSY')));
  t.true(isBelowUse(refusal('memory.memsw.limit_in_bytes', 'EBUSY')));
  t.false(isBelowUse(refusal('memory.limit_in_bytes', 'EINVAL')));
  t.false(isBelowUse(refusal('cpuset.cpus', 'EBUSY')));
  t.regex(belowUse('box', 20 * MIB, 40 * MIB).message, /box uses 40 MiB of memory, .* below the new limit of 20 MiB; nothing was changed/);
});

test('version 2 without memory.reclaim: only page cache is given up', (t) => {
  const stat = (file: number): string => `anon 1\ninactive_file ${file}\nactive_file 0\n`;
  const cached = folder(t, { 'memory.current': String(40 * MIB), 'memory.stat': stat(30 * MIB) });
  t.notThrows(() => shrinkFirst(cached, 'box', 20 * MIB));
  const full = folder(t, { 'memory.current': String(40 * MIB), 'memory.stat': stat(10 * MIB) });
  t.throws(() => shrinkFirst(full, 'box', 20 * MIB), { message: /box uses 40 MiB/ });
  t.notThrows(() => shrinkFirst(full, 'box', 50 * MIB));
});
