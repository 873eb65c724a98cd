import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { openCgroup } from '../src/cgroup/open.js';
import { UserError } from '../src/errors.js';
import { probeHost } from '../src/host/probe.js';
import { bootId, isAlive } from '../src/host/process.js';
import { helperVerbs } from '../src/launch/verbs.js';
import { createLayer, layerId } from '../src/layer.js';
import { toHostPath } from '../src/plan/step.js';
import { remove } from '../src/remove.js';
import { randomName } from '../src/state/file.js';
import { read } from '../src/state/store.js';
import { exited } from './in-time.js';
import { deadProcess, fullRecord, leave, makeRoots, names, OTHER_BOOT, plain, sleeper, take } from './state/_sandbox.js';

const verbs = helperVerbs();
const LOWER = { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 };

test('no such container', (t) => {
  const roots = makeRoots(t);
  for (const name of ['box', '', '.', '..', '../box', '.box.1-1.0123456789abcdef', 'a\0b']) {
    t.throws(
      () => remove(name, { force: true }, { roots, verbs }),
      { instanceOf: UserError, message: /^there is no container named/ },
      name,
    );
  }
});

test('a running one needs force; with it, it is killed and all of it goes, even when its supervisor does not move', async (t) => {
  const roots = makeRoots(t);
  const { child, ...init } = await sleeper(t);
  take(roots, 'box', { owner: plain(await sleeper(t)) }).writePid(init.pid);
  const error = t.throws(() => remove('box', {}, { roots, verbs }), { instanceOf: UserError });
  t.is(error?.message, `box is running (pid ${init.pid})`);
  t.is(error?.hint, 'crt rm -f box');
  t.true(isAlive(plain(init)));
  t.like(remove('box', { force: true }, { roots, verbs }), { name: 'box', status: 'running', killed: true });
  await exited(child);
  t.deepEqual(names(roots.state), []);
});

test('a supervisor that clears up by itself is waited for', async (t) => {
  const roots = makeRoots(t);
  const init = await sleeper(t);
  const owner = await sleeper(t);
  const held = take(roots, 'box', { owner: plain(owner) });
  held.writePid(init.pid);
  // Stands for the supervisor: removes the folder when init is gone.
  const program = `while kill -0 ${init.pid} 2>/dev/null && ! grep -q '^State:.Z' /proc/${init.pid}/status; do sleep 0.01; done; mv ${held.directory} ${roots.state}/.gone`;
  const supervisor = spawn('sh', ['-c', program], { stdio: 'ignore' });
  t.like(remove('box', { force: true }, { roots, verbs }), { status: 'running', killed: true });
  await exited(supervisor);
  t.deepEqual(names(roots.state), ['.gone']);
});

test('a start that does not get on is left alone', async (t) => {
  const roots = makeRoots(t);
  const owner = plain(await sleeper(t));
  take(roots, 'box', { owner });
  const error = t.throws(() => remove('box', { force: true }, { roots, verbs }), { instanceOf: UserError });
  t.regex(error?.message ?? '', new RegExp(`^box is in the hands of process ${owner.pid}`));
  t.deepEqual(names(roots.state), ['box']);
});

test('a kept one goes with its layer, and the bytes are told', async (t) => {
  const roots = makeRoots(t);
  const layer = toHostPath(`${roots.layers}/${layerId('box')}`);
  const record = fullRecord('box', { keep: true, owner: await deadProcess(t), layer });
  const directory = leave(roots, 'box', {
    'state.json': record,
    'exit.json': { version: 1, exitCode: 0, signal: null, reason: 'exit', finished: record.created },
    'cgroup.json': { version: 1, bootId: bootId(), directories: [] },
  });
  const { upper } = createLayer(roots.layers, layer.slice(roots.layers.length + 1), LOWER, { directory, record });
  writeFileSync(`${upper}/file`, Buffer.alloc(100_000));
  const removed = remove('box', {}, { roots, verbs });
  t.like(removed, { status: 'stopped', killed: false, directory });
  t.is(removed.layers[0]?.path, layer);
  t.true((removed.layers[0]?.bytes ?? 0) >= 100_000);
  t.deepEqual([names(roots.state), names(roots.layers)], [[], []]);
});

test('a kept layer whose state folder a restart has taken is found by its name', (t) => {
  const roots = makeRoots(t);
  const record = fullRecord('box', { keep: true, owner: { pid: 1, startTime: 1, bootId: OTHER_BOOT } });
  const owner = { directory: toHostPath(`${roots.state}/box`), record };
  const lost = createLayer(roots.layers, layerId('box'), LOWER, owner).directory;
  createLayer(roots.layers, layerId('box.x'), LOWER, {
    directory: toHostPath(`${roots.state}/box.x`),
    record: { ...record, name: 'box.x' },
  });
  createLayer(roots.layers, layerId('box'), LOWER, { directory: toHostPath('/nowhere/else/box'), record });
  const removed = remove('box', {}, { roots, verbs });
  t.deepEqual(
    removed.layers.map(({ path }) => path),
    [lost],
  );
  t.is(removed.directory, undefined);
  t.is(names(roots.layers).length, 2);
});

test('the layer of a living container whose state folder was removed by hand stays', async (t) => {
  const roots = makeRoots(t);
  const record = fullRecord('box', { owner: plain(await sleeper(t)) });
  createLayer(roots.layers, layerId('box'), LOWER, { directory: toHostPath(`${roots.state}/box`), record });
  t.throws(() => remove('box', { force: true }, { roots, verbs }), { instanceOf: UserError, message: /still runs it/ });
  t.is(names(roots.layers).length, 1);
});

test('corrupt state goes, its layers too, and nothing of another container', (t) => {
  const roots = makeRoots(t);
  const other = take(roots, 'other');
  const record = fullRecord('box');
  const directory = leave(roots, 'box', { 'state.json': JSON.stringify(record).slice(0, 50), pid: 'x'.repeat(100), 'exit.json': '{}' });
  mkdirSync(`${directory}/odd/deep`, { recursive: true });
  symlinkSync(other.directory, `${directory}/link`);
  createLayer(roots.layers, layerId('box'), LOWER, { directory, record });
  const keptByOther = createLayer(roots.layers, layerId('other'), LOWER, { directory: other.directory, record: other.record });
  const removed = remove('box', {}, { roots, verbs });
  t.is(removed.status, 'corrupt');
  t.is(removed.layers.length, 1);
  t.deepEqual(names(roots.state), ['other']);
  t.is(names(other.directory).length, 2);
  t.deepEqual(names(roots.layers), [keptByOther.directory.slice(roots.layers.length + 1)]);
});

test('corrupt state with processes in its cgroup needs force', async (t) => {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const directories = openCgroup(probeHost().cgroup, name, { pids: { limit: 100 } }).create();
  t.teardown(() => {
    for (const { path } of [...directories].reverse()) if (existsSync(path)) rmdirSync(path);
  });
  const { child, pid } = await sleeper(t);
  for (const { path } of directories) writeFileSync(`${path}/cgroup.procs`, String(pid));
  leave(roots, name, { 'state.json': '', 'cgroup.json': { version: 1, bootId: bootId(), directories } });
  t.throws(() => remove(name, {}, { roots, verbs }), { instanceOf: UserError, message: /is running/ });
  t.like(remove(name, { force: true }, { roots, verbs }), {
    status: 'corrupt',
    killed: true,
    cgroups: directories.map(({ path }) => path),
  });
  await exited(child);
  t.true(directories.every(({ path }) => !existsSync(path)));
  t.deepEqual(names(roots.state), []);
});

test('a file or a symlink in the place of a folder goes, and not what it points to', (t) => {
  const roots = makeRoots(t);
  const { directory } = take(roots, 'real');
  symlinkSync(directory, `${roots.state}/link`);
  writeFileSync(`${roots.state}/file with spaces`, '');
  t.is(remove('link', {}, { roots, verbs }).status, 'corrupt');
  remove('file with spaces', {}, { roots, verbs });
  t.deepEqual(names(roots.state), ['real']);
  t.is(read(roots, 'real')?.problem, undefined);
});

test('a leftover needs no force', async (t) => {
  const roots = makeRoots(t);
  const { child, ...init } = await sleeper(t);
  leave(roots, 'box', { 'state.json': fullRecord('box', { owner: await deadProcess(t) }), pid: { version: 1, ...plain(init) } });
  t.like(remove('box', {}, { roots, verbs }), { killed: true });
  await exited(child);
  rmSync(roots.state, { recursive: true });
});
