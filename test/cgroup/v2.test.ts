import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import type { ContainerCgroup } from '../../src/cgroup/container.js';
import { applyLimits, refuseTaken } from '../../src/cgroup/directory.js';
import { limitsV2 } from '../../src/cgroup/limits.js';
import { oomVictim } from '../../src/cgroup/oom.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { probeHost } from '../../src/host/probe.js';
import { type Step, toHostPath } from '../../src/plan/step.js';
import type { Resources } from '../../src/spec/types.js';
import { PATIENCE } from '../in-time.js';
import { removeAfter, scratchName, startInside } from './scratch.js';

const host = probeHost();
const mount = host.cgroup.unified?.mountpoint;
const MIB = 1024 * 1024;
/** Any real version 2 tree, be it without controllers (hybrid). */
const onTree = host.uid === 0 && mount ? test : test.skip;
/** A version 2 tree that can limit. */
const onV2 = host.uid === 0 && host.cgroup.mode === 'v2' ? test : test.skip;

function v2(mountpoint: string, resources: Resources, controllers: readonly string[], name = 'box'): ContainerCgroup {
  return openCgroup(
    { mode: 'v2', hierarchies: [], unified: { mountpoint: toHostPath(mountpoint), controllers, own: '/' } },
    name,
    resources,
  );
}

/** A step's fields and operands side by side (the operand `flags` of `open` covers the step's own). */
const flat = ({ op, actor, flags, operands }: Step): unknown => ({ op, actor, flags, ...(operands as object) });

/** A directory whose files stand for a cgroup. */
function fixture(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(`${tmpdir()}/crt-test-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${folder}/${path}`, text);
  }
  return folder;
}

/** A cgroup of the real tree that stands for its mount. */
function scratchTree(t: ExecutionContext): string {
  const path = `${mount}/${scratchName()}`;
  mkdirSync(path);
  removeAfter(t, [{ path: toHostPath(path), inode: lstatSync(path).ino }]);
  return path;
}

test('the stage opens the directory that init is cloned into; init joins nothing', (t) => {
  const cgroup = v2('/cg', {}, []);
  const { steps, cloneInto } = cgroup.open({ bornInside: true });
  t.is(cloneInto, 'cgroup');
  t.deepEqual(steps.map(flat), [
    { op: 'open', actor: 'stage', fd: 'cgroup', path: '/cg/crt/box', flags: process.arch === 'arm64' ? 0x284000 : 0x290000 },
  ]);
  t.deepEqual(cgroup.join({ bornInside: true }), []);
  t.deepEqual(cgroup.seal(), []);
});

test('inside, the own cgroup is the whole of /sys/fs/cgroup, read-only by attribute', (t) => {
  t.deepEqual(v2('/cg', {}, []).mounts('root').map(flat), [
    {
      op: 'mount',
      actor: 'init',
      flags: ['mkdir'],
      root: 'root',
      type: 'cgroup2',
      source: 'cgroup2',
      target: '/sys/fs/cgroup',
      options: [],
      attrs: 15,
      mode: 0,
    },
  ]);
});

test('a controller that the tree lacks is refused', (t) => {
  t.throws(() => v2('/cg', { memory: { limit: 50 * MIB } }, ['pids']).check(), { name: 'UserError', message: /has no memory controller/ });
  t.throws(() => v2('/cg', { pids: { limit: 5 } }, ['memory']).check(), { name: 'UserError', message: /has no pids controller/ });
});

test('a name that looks like a file of the kernel is refused', (t) => {
  for (const name of ['memory.max', 'cgroup.procs', 'pids.custom'])
    t.throws(() => v2('/cg', {}, [], name).check(), { name: 'UserError', message: /cgroup file of the kernel/ });
  t.notThrows(() => v2('/cg', {}, [], 'memoryhog.1').check());
});

test('limits are written into existing files and read back', (t) => {
  const names = ['memory.max', 'memory.oom.group', 'pids.max', 'cpu.max', 'cpu.weight', 'cpuset.cpus'];
  const folder = fixture(t, Object.fromEntries(names.map((name) => [name, ''])));
  const resources = { memory: { limit: 50 * MIB }, pids: { limit: 64 }, cpu: { quota: 50_000, shares: 1024, cpus: '0-1' } };
  applyLimits(limitsV2(resources), () => folder);
  t.deepEqual(
    names.map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
    ['52428800', '0', '64', '50000 100000', '39', '0-1'],
  );
});

test('a file that the kernel lacks: fine for the swap that nobody asked for, else refused', (t) => {
  const folder = fixture(t, { 'memory.max': '' });
  t.notThrows(() => applyLimits(limitsV2({ memory: { limit: 52428800 } }), () => folder));
  t.throws(() => applyLimits(limitsV2({ memory: { limit: 52428800, swap: 62428800 } }), () => folder), {
    name: 'UserError',
    message: /no memory.swap.max/,
  });
  t.throws(() => applyLimits(limitsV2({ pids: { limit: 5 } }), () => folder), { name: 'UserError', message: /no pids.max/ });
});

test('counters', (t) => {
  const folder = fixture(t, {
    'crt/box/memory.current': '1048576\n',
    'crt/box/memory.peak': '2097152\n',
    'crt/box/memory.max': '52428800\n',
    'crt/box/memory.events': 'low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\n',
    'crt/box/pids.current': '4\n',
    'crt/box/cgroup.procs': '17\n18\n0\n',
    'crt/box/sub/cgroup.procs': '19\n',
  });
  const cgroup = v2(folder, {}, []);
  t.deepEqual(cgroup.stats(), { memoryUsage: 1048576, memoryPeak: 2097152, memoryLimit: 52428800, oomKills: 2, pids: 4 });
  t.deepEqual(cgroup.pids(), [17, 18, 19]);
});

test('counters that the kernel does not have are undefined, no limit too', (t) => {
  const folder = fixture(t, { 'crt/box/memory.max': 'max\n' });
  t.deepEqual(v2(folder, {}, []).stats(), {
    memoryUsage: undefined,
    memoryPeak: undefined,
    memoryLimit: undefined,
    oomKills: undefined,
    pids: undefined,
  });
});

test('below the true root a cgroup with processes is refused, unless it hands the controllers down already', (t) => {
  const files = { 'cgroup.type': 'domain\n', 'cgroup.procs': '1\n', 'cgroup.subtree_control': 'pids\n' };
  const populated = fixture(t, files);
  const error = t.throws(() => v2(populated, {}, ['memory']).check(), { name: 'UserError', message: /has processes of its own/ });
  t.regex((error as { hint?: string } | undefined)?.hint ?? '', /moves nobody/);
  t.notThrows(() => v2(populated, {}, ['pids']).check());
  t.notThrows(() => v2(fixture(t, { ...files, 'cgroup.procs': '' }), {}, ['memory']).check());
  const { 'cgroup.type': _, ...root } = files;
  t.notThrows(() => v2(fixture(t, root), {}, ['memory']).check(), 'the true root may hold processes');
});

onTree('a cgroup with processes of its own is refused', async (t) => {
  const tree = scratchTree(t);
  const cgroup = v2(tree, {}, ['memory']);
  t.notThrows(() => cgroup.check());
  await startInside(t, `${tree}/cgroup.procs`);
  t.throws(() => cgroup.check(), { name: 'UserError', message: /has processes of its own/ });
});

onTree('made, entered, removed; its parent stays', async (t) => {
  const tree = scratchTree(t);
  const cgroup = v2(tree, {}, []);
  cgroup.check();
  const made = cgroup.create();
  removeAfter(t, made);
  t.deepEqual(
    made.map(({ path, inode }) => [path as string, inode]),
    [[`${tree}/crt/box`, lstatSync(`${tree}/crt/box`).ino]],
  );
  const pid = await startInside(t, `${tree}/crt/box/cgroup.procs`);
  t.deepEqual(cgroup.pids(), [pid]);
  t.throws(() => refuseTaken(cgroup.paths, 'box', () => false), { name: 'UserError', message: /exists already and is not crt's/ });
  t.throws(() => cgroup.create(), { name: 'UserError', message: /exists already/ });
  t.deepEqual(cgroup.pids(), [pid], 'the refusal touched nothing');
});

onTree('a controller that cannot be enabled is named, and nothing of the container stays', (t) => {
  const tree = scratchTree(t);
  // A fresh cgroup is handed no controllers: the kernel answers ENOENT, as on a tree that lost one meanwhile.
  const cgroup = v2(tree, { memory: { limit: 50 * MIB } }, ['memory']);
  t.throws(() => cgroup.create(), { name: 'UserError', message: /cannot enable memory below the cgroup/ });
  t.false(existsSync(`${tree}/crt/box`));
});

onV2('limits of a real version 2 cgroup', (t) => {
  const resources = { memory: { limit: 50 * MIB }, pids: { limit: 64 }, cpu: { quota: 50_000, period: 100_000, shares: 1024, cpus: '0' } };
  const cgroup = openCgroup(host.cgroup, scratchName(), resources);
  cgroup.check();
  removeAfter(t, cgroup.create());
  const [path] = cgroup.paths;
  const text = (file: string): string => readFileSync(`${path}/${file}`, 'utf8').trim();
  t.deepEqual(['memory.max', 'pids.max', 'cpu.max', 'cpu.weight', 'cpuset.cpus'].map(text), ['52428800', '64', '50000 100000', '39', '0']);
  if (existsSync(`${path}/memory.swap.max`)) t.is(text('memory.swap.max'), '0');
  t.like(cgroup.stats(), { memoryLimit: 50 * MIB, oomKills: 0, pids: 0 });
});

onV2('a refusal of the kernel names the limit, and nothing stays', (t) => {
  const cgroup = openCgroup(host.cgroup, scratchName(), { cpu: { quota: 10 } });
  t.throws(() => cgroup.create(), { name: 'UserError', message: /the kernel refused cpu.max = 10 100000: invalid argument/ });
  t.false(existsSync(cgroup.paths[0] ?? ''));
});

onV2("processes that came after the check are the kernel's to find", async (t) => {
  // Hands memory down from the root, which stays so.
  removeAfter(t, openCgroup(host.cgroup, scratchName(), {}).create());
  const tree = scratchTree(t);
  const cgroup = v2(tree, {}, ['memory']);
  cgroup.check();
  await startInside(t, `${tree}/cgroup.procs`);
  t.throws(() => cgroup.create(), { name: 'UserError', message: /has processes of its own/ });
});

onV2('a kill by the limit is counted and the log names the victim', (t) => {
  const since = Number(process.hrtime.bigint() / 1_000_000n);
  const name = scratchName();
  const cgroup = openCgroup(host.cgroup, name, { memory: { limit: 8 * MIB } });
  removeAfter(t, cgroup.create());
  const result = spawnSync('sh', ['-c', 'echo 0 > "$1/cgroup.procs" && exec tail /dev/zero', 'sh', cgroup.paths[0] ?? ''], {
    timeout: PATIENCE,
  });
  t.is(result.signal, 'SIGKILL');
  t.is(cgroup.stats().oomKills, 1);
  if (existsSync('/dev/kmsg')) t.is(oomVictim(name, since), 'tail');
});
