import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { UserError } from '../src/errors.js';
import { bootId, isAlive, startTime } from '../src/host/process.js';
import { helperVerbs } from '../src/launch/verbs.js';
import { layerId, removeLayer } from '../src/layer.js';
import { toHostPath } from '../src/plan/step.js';
import { randomName } from '../src/state/file.js';
import { read } from '../src/state/store.js';
import { killContainer, type Undone, undo } from '../src/undo.js';
import { exited, holds, until } from './in-time.js';
import { crashed, makeLayer, member, realCgroup } from './state/_crashed.js';
import { deadProcess, fullRecord, leave, makeRoots, names, noteVerbs, OTHER_BOOT, plain, sleeper, take } from './state/_sandbox.js';

const verbs = helperVerbs();
const outcomeOf = ({ outcome }: Undone): string => outcome;

test('everything of a crashed container goes: processes, cgroups, layer, folder; twice is fine', async (t) => {
  const { roots, directory, cgroups, init, layer } = await crashed(t);
  const second = await member(t, cgroups);
  const undone = undo(directory, { roots, verbs });
  t.is(undone.outcome, 'undone');
  t.true(undone.killed);
  t.deepEqual(
    undone.cgroups,
    cgroups.map(({ path }) => path),
  );
  t.deepEqual(undone.layers, [layer]);
  await Promise.all([init.gone, second.gone]);
  t.true(cgroups.every(({ path }) => !existsSync(path)));
  t.deepEqual([names(roots.state), names(roots.layers)], [[], []]);
  t.is(undo(directory, { roots, verbs }).outcome, 'gone');
});

test('a kept one keeps layer and record; nothing is left to undo, and rm takes it', async (t) => {
  const { roots, directory, record, cgroups, init, layer } = await crashed(t, { keep: true });
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'kept');
  await init.gone;
  t.true(cgroups.every(({ path }) => !existsSync(path)));
  t.true(existsSync(`${layer}/upper/file`));
  const entry = read(roots, record.name);
  t.like(entry?.exit, { exitCode: null, reason: 'lost' });
  t.deepEqual(entry?.cgroups?.directories, []);
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'alive');
  t.is(outcomeOf(undo(directory, { roots, verbs }, { discard: true })), 'undone');
  t.deepEqual([names(roots.state), names(roots.layers)], [[], []]);
});

test('one that was to be kept but never ran goes whole', async (t) => {
  const roots = makeRoots(t);
  const directory = leave(roots, 'box', { 'state.json': fullRecord('box', { keep: true, owner: await deadProcess(t) }) });
  t.is(outcomeOf(undo(directory, { roots, verbs: noteVerbs() })), 'undone');
});

test('a supervisor that cannot read its own record says so', (t) => {
  const roots = makeRoots(t);
  const held = take(roots, 'box');
  writeFileSync(`${held.directory}/state.json`, '');
  const error = t.throws(() => undo(held.directory, { roots, verbs }, { claim: held.record.id }), { instanceOf: UserError });
  t.regex(error.message, /^cannot clean up box: state.json is empty$/);
  t.is(error.hint, 'crt rm -f box');
});

test('a living supervisor: nothing is touched, not even with discard', async (t) => {
  const { roots, directory, cgroups, init, layer } = await crashed(t, { owner: plain(await sleeper(t)) });
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'alive');
  t.is(outcomeOf(undo(directory, { roots, verbs }, { discard: true })), 'alive');
  t.true(isAlive(init) && existsSync(layer) && cgroups.every(({ path }) => existsSync(path)));
  t.deepEqual(names(directory), ['cgroup.json', 'pid', 'state.json']);
  t.is(outcomeOf(undo(directory, { roots, verbs }, { discard: true, force: true })), 'undone');
  await init.gone;
});

test('a start in progress is not taken apart, even by force', async (t) => {
  const roots = makeRoots(t);
  const { directory } = take(roots, 'box', { owner: plain(await sleeper(t)) });
  t.is(outcomeOf(undo(directory, { roots, verbs: noteVerbs() }, { discard: true, force: true })), 'alive');
});

test("the supervisor itself undoes by its claim, and nobody else's", (t) => {
  const roots = makeRoots(t);
  const held = take(roots, 'box');
  t.is(outcomeOf(undo(held.directory, { roots, verbs }, { claim: randomName() })), 'gone');
  t.is(outcomeOf(undo(held.directory, { roots, verbs }, { claim: held.record.id })), 'undone');
  t.deepEqual(names(roots.state), []);
});

test('killed between mkdir and the note of the inodes: empty directories go, none that is in use, and nobody is killed', async (t) => {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const cgroups = realCgroup(t, name);
  const record = fullRecord(name, { owner: await deadProcess(t), cgroupPaths: cgroups.map(({ path }) => path) });
  const [busy, ...empty] = cgroups;
  if (busy === undefined) throw new Error('no cgroup');
  const foreign = await member(t, [busy]);
  const directory = leave(roots, name, { 'state.json': record });
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'undone');
  t.true(isAlive(foreign));
  t.true(existsSync(busy.path));
  t.true(empty.every(({ path }) => !existsSync(path)));
  process.kill(foreign.pid, 'SIGKILL');
  await foreign.gone;
});

test("a cgroup of the same path but another inode is a stranger's", async (t) => {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const cgroups = realCgroup(t, name);
  const foreign = await member(t, cgroups);
  const noted = cgroups.map(({ path, inode }) => ({ path, inode: inode + 1 }));
  const directory = leave(roots, name, {
    'state.json': fullRecord(name, { owner: await deadProcess(t), cgroupPaths: cgroups.map(({ path }) => path) }),
    'cgroup.json': { version: 1, bootId: bootId(), directories: noted },
  });
  t.deepEqual(undo(directory, { roots, verbs }).cgroups, []);
  t.true(isAlive(foreign));
  t.true(cgroups.every(({ path }) => existsSync(path)));
  process.kill(foreign.pid, 'SIGKILL');
  await foreign.gone;
});

test('from another boot: no process and no cgroup is touched, layer and folder go', async (t) => {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const cgroups = realCgroup(t, name);
  const foreign = await member(t, cgroups);
  const record = fullRecord(name, {
    owner: { ...plain(foreign), bootId: OTHER_BOOT },
    layer: toHostPath(`${roots.layers}/${layerId(name)}`),
    cgroupPaths: cgroups.map(({ path }) => path),
  });
  const layer = makeLayer(roots, record);
  const pid = { version: 1, ...plain(foreign), bootId: OTHER_BOOT };
  const directory = leave(roots, name, {
    'state.json': record,
    'cgroup.json': { version: 1, bootId: OTHER_BOOT, directories: cgroups },
    pid,
  });
  t.deepEqual(undo(directory, { roots, verbs }), { outcome: 'undone', killed: false, cgroups: [], layers: [layer] });
  t.true(isAlive(foreign) && cgroups.every(({ path }) => existsSync(path)));
  t.deepEqual(names(roots.state), []);
  process.kill(foreign.pid, 'SIGKILL');
  await foreign.gone;
});

test('an init that left its cgroup is killed by its pidfd; a later process of that pid is not', async (t) => {
  const roots = makeRoots(t);
  const { child, ...init } = await sleeper(t);
  const owner = await deadProcess(t);
  const reused = leave(roots, 'reused', {
    'state.json': fullRecord('reused', { owner }),
    pid: { version: 1, ...plain(init), startTime: init.startTime - 1 },
  });
  t.like(undo(reused, { roots, verbs }), { outcome: 'undone', killed: false });
  t.true(isAlive(init));
  const box = leave(roots, 'box', { 'state.json': fullRecord('box', { owner }), pid: { version: 1, ...plain(init) } });
  t.like(undo(box, { roots, verbs }), { outcome: 'undone', killed: true });
  await exited(child);
});

test('any stage may be missing', async (t) => {
  const owner = await deadProcess(t);
  for (const missing of ['cgroup.json', 'pid', 'layer', 'cgroups'] as const) {
    const { roots, directory, record, cgroups, init, layer } = await crashed(t, { owner });
    if (missing === 'cgroup.json' || missing === 'cgroups') {
      process.kill(init.pid, 'SIGKILL');
      await init.gone;
    }
    if (missing === 'cgroups')
      undo(
        leave(roots, 'other', {
          'state.json': fullRecord('other', { owner }),
          'cgroup.json': { version: 1, bootId: bootId(), directories: cgroups },
        }),
        { roots, verbs },
      );
    leave(roots, record.name, missing === 'pid' || missing === 'cgroup.json' ? { [missing]: '' } : {});
    if (missing === 'layer') removeLayer(roots.layers, layer);
    t.is(outcomeOf(undo(directory, { roots, verbs })), 'undone', missing);
    t.deepEqual([names(roots.state), names(roots.layers)], [[], []], missing);
    t.true(
      cgroups.every(({ path }) => !existsSync(path)),
      missing,
    );
  }
});

test('a record never names anything but a layer for removal', async (t) => {
  const roots = makeRoots(t);
  const victim = `${roots.layers}.victim`;
  mkdirSync(roots.layers);
  mkdirSync(victim);
  symlinkSync(victim, `${roots.layers}/box.0123456789abcdef`);
  for (const layer of [victim, `${roots.layers}/..`, `${roots.layers}/box.0123456789abcdef/`, `${roots.layers}/box.0123456789abcdef`]) {
    const directory = leave(roots, 'box', { 'state.json': fullRecord('box', { owner: await deadProcess(t), layer: toHostPath(layer) }) });
    t.throws(() => undo(directory, { roots, verbs }), { instanceOf: UserError, message: /will not remove/ });
    t.deepEqual(names(directory), ['state.json']);
  }
  t.true(statSync(victim).isDirectory());
});

test('when the helper fails, the folder stays visible and the lock is free', async (t) => {
  const { roots, directory, init, cgroups } = await crashed(t);
  const failing = {
    ...noteVerbs(),
    kill: () => {
      throw new UserError('crt-init kill failed');
    },
  };
  const error = t.throws(() => undo(directory, { roots, verbs: failing }), { instanceOf: UserError });
  t.regex(error?.message ?? '', /^cannot clean up crt-test-\w+: crt-init kill failed$/);
  t.regex(error?.hint ?? '', /^crt rm -f crt-test-/);
  t.deepEqual(names(directory), ['cgroup.json', 'pid', 'state.json']);
  t.true(isAlive(init) && cgroups.every(({ path }) => existsSync(path)));
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'undone');
  await init.gone;
});

test("the monitor's undo acts for a dead supervisor only", async (t) => {
  const roots = makeRoots(t);
  take(roots, 'alive');
  leave(roots, 'dead', { 'state.json': fullRecord('dead', { owner: await deadProcess(t) }) });
  const context = { roots, verbs: noteVerbs() };
  t.deepEqual(
    ['alive', 'dead', 'never'].map((name) => undo(toHostPath(`${roots.state}/${name}`), context).outcome),
    ['alive', 'undone', 'gone'],
  );
});

test('killing ends the processes and leaves the rest; a next container of the name is not touched', async (t) => {
  const { roots, directory, record, cgroups, init } = await crashed(t, { owner: plain(await sleeper(t)) });
  const entry = read(roots, record.name);
  if (entry === undefined) throw new Error('not read');
  leave(roots, record.name, { 'state.json': { ...record, id: randomName() } });
  killContainer(entry, verbs);
  t.true(isAlive(init));
  leave(roots, record.name, { 'state.json': record });
  killContainer(entry, verbs);
  await init.gone;
  t.true(cgroups.every(({ path }) => existsSync(path)));
  t.deepEqual(names(directory), ['cgroup.json', 'pid', 'state.json']);
});

test('a supervisor that is a zombie is dead', async (t) => {
  const roots = makeRoots(t);
  // The shell never waits for its first child.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const pid = Number(await until(parent.stdout, '\n'));
  const owner = { pid, startTime: startTime(pid) ?? 0, bootId: bootId() };
  const directory = leave(roots, 'box', { 'state.json': fullRecord('box', { owner }) });
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'alive');
  verbs.signal(pid, owner.startTime, 9);
  await holds(() => !isAlive(owner), 'it is dead');
  t.is(startTime(pid), owner.startTime);
  t.is(outcomeOf(undo(directory, { roots, verbs })), 'undone');
});
