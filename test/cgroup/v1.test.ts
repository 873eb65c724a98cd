import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import test from 'ava';
import type { ContainerCgroup } from '../../src/cgroup/container.js';
import { refuseTaken } from '../../src/cgroup/directory.js';
import { oomVictim } from '../../src/cgroup/oom.js';
import { openCgroup } from '../../src/cgroup/open.js';
import type { Hierarchy } from '../../src/host/facts.js';
import { probeHost } from '../../src/host/probe.js';
import { type Step, toHostPath } from '../../src/plan/step.js';
import type { Resources } from '../../src/spec/types.js';
import { PATIENCE } from '../in-time.js';
import { removeAfter, scratchName, startInside } from './scratch.js';

const host = probeHost();
const facts = host.cgroup;
const has = (controller: string): boolean => facts.hierarchies.some(({ controllers }) => controllers.includes(controller));
const real = host.uid === 0 && ['memory', 'pids', 'cpu', 'cpuset'].every(has) ? test : test.skip;
const MIB = 1024 * 1024;

function pathOf(cgroup: ContainerCgroup, controller: string): string {
  const mountpoint = facts.hierarchies.find(({ controllers }) => controllers.includes(controller))?.mountpoint;
  const path = cgroup.paths.find((candidate) => candidate.startsWith(`${mountpoint}/`));
  if (!path) throw new Error(`no ${controller} cgroup among ${cgroup.paths.join()}`);
  return path;
}
const text = (path: string): string => readFileSync(path, 'utf8').trim();

real('limits are set as asked, in a directory of the name at the top of each hierarchy', (t) => {
  const name = scratchName();
  const cgroup = openCgroup(facts, name, {
    memory: { limit: 50 * MIB },
    pids: { limit: 64 },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0' },
  });
  cgroup.check();
  const made = cgroup.create();
  removeAfter(t, made);
  t.deepEqual(
    made.map(({ path }) => path),
    cgroup.paths,
  );
  t.is(text(`/sys/fs/cgroup/memory/${name}/memory.limit_in_bytes`), '52428800');
  const swap = `${pathOf(cgroup, 'memory')}/memory.memsw.limit_in_bytes`;
  if (existsSync(swap)) t.is(text(swap), '52428800');
  t.is(text(`${pathOf(cgroup, 'pids')}/pids.max`), '64');
  t.is(text(`${pathOf(cgroup, 'cpu')}/cpu.shares`), '512');
  t.is(text(`${pathOf(cgroup, 'cpu')}/cpu.cfs_quota_us`), '50000');
  t.is(text(`${pathOf(cgroup, 'cpuset')}/cpuset.cpus`), '0');
  t.is(text(`${pathOf(cgroup, 'cpuset')}/cpuset.mems`), text('/sys/fs/cgroup/cpuset/cpuset.mems'));
});

real('a cpuset asked for by memory nodes only can be entered', async (t) => {
  const cgroup = openCgroup(facts, scratchName(), { cpu: { mems: '0' } });
  removeAfter(t, cgroup.create());
  await t.notThrowsAsync(startInside(t, `${pathOf(cgroup, 'cpuset')}/tasks`));
});

real('counters and processes', async (t) => {
  const cgroup = openCgroup(facts, scratchName(), { memory: { limit: 50 * MIB } });
  removeAfter(t, cgroup.create());
  t.deepEqual(cgroup.pids(), []);
  const pid = await startInside(t, `${pathOf(cgroup, 'memory')}/tasks`);
  t.deepEqual(cgroup.pids(), [pid]);
  const stats = cgroup.stats();
  t.is(stats.memoryLimit, 50 * MIB);
  t.is(stats.oomKills, 0);
  t.is(stats.pids, 0, 'only the memory cgroup was entered');
  t.true((stats.memoryPeak ?? 0) >= (stats.memoryUsage ?? Infinity));
});

real('without a limit the counters say none', (t) => {
  const cgroup = openCgroup(facts, scratchName(), {});
  removeAfter(t, cgroup.create());
  t.is(cgroup.stats().memoryLimit, undefined);
  t.is(cgroup.stats().pids, 0);
});

real('a kill by the limit is counted, in a child cgroup too, and the log names the victim', (t) => {
  const since = Number(process.hrtime.bigint() / 1_000_000n);
  const name = scratchName();
  const cgroup = openCgroup(facts, name, { memory: { limit: 8 * MIB } });
  removeAfter(t, cgroup.create());
  const child = `${pathOf(cgroup, 'memory')}/child`;
  mkdirSync(child);
  // `tail` keeps all of a line that never ends.
  const result = spawnSync('sh', ['-c', 'echo 0 > "$1/tasks" && exec tail /dev/zero', 'sh', child], { timeout: PATIENCE });
  t.is(result.signal, 'SIGKILL');
  t.is(cgroup.stats().oomKills, 1);
  t.is(cgroup.stats().memoryPeak, 8 * MIB);
  if (existsSync('/dev/kmsg')) t.is(oomVictim(name, since), 'tail');
  t.is(oomVictim(name, since + 3_600_000), undefined);
  t.is(oomVictim(scratchName(), since), undefined);
});

real('a cgroup that exists is refused and left alone', (t) => {
  const name = scratchName();
  const cgroup = openCgroup(facts, name, { memory: { limit: 50 * MIB } });
  const foreign = `/sys/fs/cgroup/pids/${name}`;
  mkdirSync(foreign);
  t.teardown(() => rmdirSync(foreign));
  const message = new RegExp(`a cgroup ${name} exists already and is not crt's`);
  t.throws(() => refuseTaken(cgroup.paths, name, () => false), { name: 'UserError', message });
  t.notThrows(() => refuseTaken(cgroup.paths, name, () => true), "a container of crt's: the claim tells whether the name is free");
  t.throws(() => cgroup.create(), { name: 'UserError', message: /exists already/ });
  t.true(existsSync(foreign));
  t.false(existsSync(`/sys/fs/cgroup/memory/${name}`), 'what was made before the refusal is gone');
});

real("a name of one of the kernel's files is refused", (t) => {
  t.throws(() => refuseTaken(openCgroup(facts, 'tasks', {}).paths, 'tasks', () => true), {
    name: 'UserError',
    message: /taken by a file of the kernel/,
  });
});

for (const [what, resources, message] of [
  ['too many processes', { pids: { limit: 5_000_000 } }, /the kernel refused pids.max = 5000000: invalid argument/],
  ['too short a quota', { cpu: { quota: 10 } }, /the kernel refused cpu.cfs_quota_us = 10: invalid argument/],
  ['shares that the kernel changes', { cpu: { shares: 1_000_000 } }, /did not keep cpu.shares = 1000000: it reads back 262144/],
  ['a processor that is not there', { cpu: { cpus: '99999' } }, /the kernel refused cpuset.cpus = 99999/],
  ['no list', { cpu: { cpus: 'fast' } }, /the kernel refused cpuset.cpus = fast: invalid argument/],
] as const satisfies readonly (readonly [string, Resources, RegExp])[]) {
  real(`${what}: the refusal names limit and cause, and nothing stays`, (t) => {
    const cgroup = openCgroup(facts, scratchName(), resources);
    cgroup.check();
    const error = t.throws(() => cgroup.create(), { name: 'UserError', message });
    t.regex((error as { hint?: string } | undefined)?.hint ?? '', /give --/);
    for (const path of cgroup.paths) t.false(existsSync(path));
  });
}

const fake = (...hierarchies: readonly [string, string][]): Hierarchy[] =>
  hierarchies.map(([controllers, mountpoint]) => ({ controllers: controllers.split(','), mountpoint: toHostPath(mountpoint) }));
const v1 = (hierarchies: readonly Hierarchy[], resources: Resources): ContainerCgroup =>
  openCgroup({ mode: 'v1', hierarchies, unified: undefined }, 'box', resources);

test('a co-mounted hierarchy is joined once, for what is asked', (t) => {
  const hierarchies = fake(
    ['cpu,cpuacct', '/cg/cpu,cpuacct'],
    ['blkio', '/cg/blkio'],
    ['memory', '/cg/memory'],
    ['pids', '/cg/pids'],
    ['freezer', '/cg/freezer'],
  );
  t.deepEqual(v1(hierarchies, {}).paths as readonly string[], [
    '/cg/memory/box',
    '/cg/pids/box',
    '/cg/freezer/box',
    '/cg/cpu,cpuacct/box',
    '/cg/blkio/box',
  ]);
  t.is(v1(hierarchies, { cpu: { shares: 2, quota: 1000 } }).paths.length, 5);
});

test('a missing controller is refused with what to type', (t) => {
  const error = t.throws(() => v1(fake(['memory', '/cg/memory']), { pids: { limit: 10 } }).check(), {
    name: 'UserError',
    message: /no cgroup with the pids controller/,
  });
  t.is((error as { hint?: string } | undefined)?.hint, 'give --pids-limit -1 to go without');
  t.throws(() => v1(fake(['pids', '/cg/pids']), { memory: { limit: MIB } }).check(), {
    name: 'UserError',
    message: /no cgroup with the memory controller/,
  });
});

test('a swap limit on a kernel that counts none is refused', (t) => {
  const cgroup = v1(fake(['memory', '/cg/memory']), { memory: { limit: MIB, swap: 2 * MIB } });
  t.throws(() => cgroup.check(), { name: 'UserError', message: /does not count swap/ });
});

const flat = ({ op, actor, operands }: Step): unknown => ({ op, actor, ...(operands as object) });

test('the stage opens each tasks file, init writes to each', (t) => {
  const cgroup = v1(fake(['memory', '/cg/memory'], ['pids', '/cg/pids']), {});
  const { steps, cloneInto } = cgroup.open({ bornInside: true });
  t.is(cloneInto, undefined);
  t.deepEqual(steps.map(flat), [
    { op: 'open', actor: 'stage', fd: 'cgroup-memory', path: '/cg/memory/box/tasks', flags: 0x80001 },
    { op: 'open', actor: 'stage', fd: 'cgroup-pids', path: '/cg/pids/box/tasks', flags: 0x80001 },
  ]);
  t.deepEqual(cgroup.join({ bornInside: true }).map(flat), [
    { op: 'cgroup-join', actor: 'init', tasks: 'cgroup-memory' },
    { op: 'cgroup-join', actor: 'init', tasks: 'cgroup-pids' },
  ]);
});

const line = ({ op, operands }: Step): string => {
  const { target, source, content, options, attrs } = operands as {
    target: string;
    source?: string;
    content?: string;
    options?: string[];
    attrs?: number;
  };
  return [op, content ?? source, target, options?.join() || undefined, attrs].filter((word) => word !== undefined).join(' ');
};

test('inside, each hierarchy is below a tmpfs, by its usual name and that of each controller', (t) => {
  const cgroup = v1(fake(['pids', '/cg/pids'], ['cpu,cpuacct', '/cg/cpu,cpuacct']), { cpu: { shares: 2 } });
  t.deepEqual(cgroup.mounts('root').map(line), [
    'mount tmpfs /sys/fs/cgroup mode=755 14',
    'mount cgroup /sys/fs/cgroup/pids pids 15',
    'mount cgroup /sys/fs/cgroup/cpu,cpuacct cpu,cpuacct 15',
    'symlink cpu,cpuacct /sys/fs/cgroup/cpu',
    'symlink cpu,cpuacct /sys/fs/cgroup/cpuacct',
  ]);
  t.deepEqual(cgroup.seal().map(line), ['remount /sys/fs/cgroup 15']);
});

real('inside, memory is at memory/NAME, with links from the usual path, and nothing of other cgroups', (t) => {
  const name = scratchName();
  const neighbour = `/sys/fs/cgroup/memory/memory.${name}`;
  mkdirSync(neighbour);
  t.teardown(() => rmdirSync(neighbour));
  const lines = openCgroup(facts, name, {}).mounts('root').map(line);
  t.true(lines.includes(`mount cgroup /sys/fs/cgroup/memory/${name} memory 15`));
  t.true(lines.includes(`symlink ${name}/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.limit_in_bytes`));
  t.true(lines.includes(`symlink ${name}/cgroup.procs /sys/fs/cgroup/memory/cgroup.procs`));
  t.false(lines.some((entry) => /release_agent|sane_behavior|force_empty/.test(entry)));
  t.false(lines.some((entry) => entry.includes(`memory.${name}`)));
});
