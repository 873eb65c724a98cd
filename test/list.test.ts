import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { openCgroup } from '../src/cgroup/open.js';
import { UserError } from '../src/errors.js';
import { probeHost } from '../src/host/probe.js';
import { bootId } from '../src/host/process.js';
import { helperVerbs } from '../src/launch/verbs.js';
import { createLayer, layerId } from '../src/layer.js';
import { list } from '../src/list.js';
import { toHostPath } from '../src/plan/step.js';
import { randomName } from '../src/state/file.js';
import type { Roots } from '../src/state/roots.js';
import type { UndoContext } from '../src/undo.js';
import { deadProcess, fullRecord, leave, makeRoots, names, noteVerbs, OTHER_BOOT, plain, sleeper, take } from './state/_sandbox.js';

const EXIT = { version: 1, exitCode: 3, signal: null, reason: 'exit', finished: '2024-01-02T03:04:05.678Z' };
const contextOf = (roots: Roots): UndoContext => ({ roots, verbs: helperVerbs() });

/** One of each status that lasts. */
async function several(t: ExecutionContext): Promise<Roots> {
  const roots = makeRoots(t);
  take(roots, 'web-1').writePid((await sleeper(t)).pid);
  take(roots, 'web-2');
  const kept = fullRecord('old', { keep: true, owner: await deadProcess(t) });
  leave(roots, 'old', { 'state.json': kept, 'exit.json': EXIT, 'cgroup.json': { version: 1, bootId: bootId(), directories: [] } });
  leave(roots, 'bad', { 'state.json': '' });
  return roots;
}

const shown = (roots: Roots, options: Parameters<typeof list>[0]): readonly string[] =>
  list(options, contextOf(roots)).map(({ name, status }) => `${name} ${status}`);

test('stopped ones only with all, corrupt ones always', async (t) => {
  const roots = await several(t);
  t.deepEqual(shown(roots, {}), ['bad corrupt', 'web-1 running', 'web-2 creating']);
  t.deepEqual(shown(roots, { all: true }), ['bad corrupt', 'old stopped', 'web-1 running', 'web-2 creating']);
  const old = list({ all: true }, contextOf(roots)).find(({ name }) => name === 'old');
  t.is(old?.exitCode, 3);
});

test('filters: any of one key, all of different keys; a status implies all', async (t) => {
  const roots = await several(t);
  t.deepEqual(shown(roots, { filter: ['name=web'] }), ['web-1 running', 'web-2 creating']);
  t.deepEqual(shown(roots, { filter: ['name=^web-1$', 'name=^bad$'] }), ['bad corrupt', 'web-1 running']);
  t.deepEqual(shown(roots, { filter: ['status=exited'] }), ['old stopped']);
  t.deepEqual(shown(roots, { filter: ['status=running', 'status=stopped', 'name=[1d]$'] }), ['old stopped', 'web-1 running']);
  for (const filter of ['label=x', 'name', 'status=asleep', 'name=('])
    t.throws(() => list({ filter: [filter] }, contextOf(roots)), { instanceOf: UserError }, filter);
});

test('filters by id, exit code, before and since', async (t) => {
  const roots = makeRoots(t);
  for (const [at, name] of ['one', 'two', 'three'].entries()) take(roots, name, { created: `2026-01-0${at + 1}T00:00:00.000Z` });
  const kept = fullRecord('old', { keep: true, owner: await deadProcess(t), created: '2025-01-01T00:00:00.000Z' });
  leave(roots, 'old', { 'state.json': kept, 'exit.json': EXIT, 'cgroup.json': { version: 1, bootId: bootId(), directories: [] } });
  const creating = (names: string): string[] => (names === '' ? [] : names.split(' ').map((name) => `${name} creating`));
  t.deepEqual(shown(roots, { filter: ['before=two'] }), creating('one'));
  t.deepEqual(shown(roots, { filter: ['before=two'], all: true }), ['old stopped', 'one creating']);
  t.deepEqual(shown(roots, { filter: ['since=one'] }), creating('three two'));
  t.deepEqual(shown(roots, { filter: ['since=one', 'before=three'] }), creating('two'));
  t.deepEqual(shown(roots, { filter: ['exited=3'] }), ['old stopped']);
  t.deepEqual(shown(roots, { filter: ['exited=0'] }), []);
  t.deepEqual(shown(roots, { filter: [`id=${kept.id.slice(0, 12)}`], all: true }), ['old stopped']);
  for (const filter of ['before=nobody', 'since=nobody', 'id=x', 'exited=', 'exited=256', '__proto__=x', 'constructor=x'])
    t.throws(() => list({ filter: [filter] }, contextOf(roots)), { instanceOf: UserError }, filter);
});

test('the last ones that were created, of all states, the newest first', async (t) => {
  const roots = await several(t);
  take(roots, 'new', { created: new Date(Date.now() + 1000).toISOString() });
  t.deepEqual(shown(roots, { last: 1 }), ['new creating']);
  t.is(shown(roots, { last: 0 }).length, 0);
  t.is(shown(roots, { last: 100 }).length, 5);
  t.deepEqual(shown(roots, { last: 2, filter: ['status=stopped'] }), ['old stopped']);
});

test('age, command, rootfs, and a clock that was set back', (t) => {
  const roots = makeRoots(t);
  const created = new Date(Date.now() - 90_000).toISOString();
  take(roots, 'box', { created, command: ['sh', '-c', 'x'], memoryLimit: 52428800, loosened: ['caps'] });
  take(roots, 'future', { created: new Date(Date.now() + 1e9).toISOString() });
  const [box, future] = list({}, contextOf(roots));
  t.like(box, {
    created,
    command: ['sh', '-c', 'x'],
    rootfs: '/srv/rootfs',
    rootfsKind: 'directory',
    memoryLimit: 52428800,
    loosened: ['caps'],
    pid: undefined,
  });
  t.true((box?.ageMs ?? 0) >= 90_000 && (box?.ageMs ?? 0) < 150_000);
  t.is(future?.ageMs, 0);
});

test('memory comes from the cgroup that the container made', async (t) => {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const cgroup = openCgroup(probeHost().cgroup, name, { memory: { limit: 52428800 } });
  const directories = cgroup.create();
  t.teardown(() => {
    for (const { path } of [...directories].reverse()) if (existsSync(path)) rmdirSync(path);
  });
  const held = take(roots, name);
  held.writeCgroups(directories);
  held.writePid((await sleeper(t)).pid);
  const [summary] = list({}, contextOf(roots));
  t.is(summary?.memoryLimit, 52428800);
  t.is(typeof summary?.memoryUsage, 'number');
  held.writeCgroups(directories.map(({ path, inode }) => ({ path, inode: inode + 1 })));
  t.is(list({}, contextOf(roots))[0]?.memoryUsage, undefined);
});

test('leftovers and temporary folders are undone by looking', async (t) => {
  const roots = makeRoots(t);
  const dead = await deadProcess(t);
  leave(roots, 'box', { 'state.json': fullRecord('box', { owner: dead }) });
  leave(roots, `.box.${dead.pid}-${dead.startTime}.0123456789abcdef`, {});
  t.deepEqual(list({ all: true }, contextOf(roots)), []);
  t.deepEqual(names(roots.state), []);
});

test('a leftover that cannot be undone is shown with the reason, and hides nothing', async (t) => {
  const roots = makeRoots(t);
  take(roots, 'good');
  const init = plain(await sleeper(t));
  leave(roots, 'box', { 'state.json': fullRecord('box', { owner: await deadProcess(t) }), pid: { version: 1, ...init } });
  const verbs = {
    ...noteVerbs(),
    signal: () => {
      throw new UserError('no helper', { hint: 'make' });
    },
  };
  const [box, good] = list({}, { roots, verbs });
  t.like(box, { name: 'box', status: 'running', problem: 'no helper' });
  t.like(good, { name: 'good', problem: undefined });
});

test('a restart empties /run: kept layers are shown, others go', async (t) => {
  const roots = makeRoots(t);
  mkdirSync(roots.state);
  const lower = { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 };
  for (const [name, keep, bootOf] of [
    ['kept', true, OTHER_BOOT],
    ['gone', false, OTHER_BOOT],
    ['used', false, bootId()],
  ] as const) {
    const owner = { ...plain(await sleeper(t)), bootId: bootOf };
    createLayer(roots.layers, layerId(name), lower, {
      directory: toHostPath(`${roots.state}/${name}`),
      record: fullRecord(name, { keep, owner }),
    });
  }
  writeFileSync(`${roots.layers}/stray`, '');
  t.deepEqual(shown(roots, { all: true }), ['kept stopped']);
  t.deepEqual(
    names(roots.layers).map((id) => id.split('.')[0]),
    ['kept', 'stray', 'used'],
  );
});

test('nothing there at all', (t) => {
  t.deepEqual(list({}, contextOf(makeRoots(t))), []);
});
