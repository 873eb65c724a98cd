import test from 'ava';
import { bootId } from '../../src/host/process.js';
import type { ContainerRecord } from '../../src/state/record.js';
import { isOrphaned, status } from '../../src/state/status.js';
import { type Entry, read } from '../../src/state/store.js';
import { deadProcess, fullRecord, leave, makeRoots, OTHER_BOOT, plain, sleeper } from './_sandbox.js';

const EXIT = { version: 1, exitCode: 0, signal: null, reason: 'exit', finished: '2024-01-02T03:04:05.678Z' };
const SETTLED = { version: 1, bootId: bootId(), directories: [] };

function entryOf(
  t: Parameters<typeof makeRoots>[0],
  record: Partial<ContainerRecord>,
  files: Readonly<Record<string, unknown>> = {},
): Entry {
  const roots = makeRoots(t);
  leave(roots, 'box', { 'state.json': fullRecord('box', record), ...files });
  const entry = read(roots, 'box');
  if (!entry) throw new Error('not read');
  return entry;
}

test('creating: the owner lives, no init yet', async (t) => {
  const entry = entryOf(t, { owner: plain(await sleeper(t)) });
  t.is(status(entry), 'creating');
  t.false(isOrphaned(entry));
});

test('running: init lives', async (t) => {
  const owner = plain(await sleeper(t));
  const entry = entryOf(t, { owner }, { pid: plain(await sleeper(t)) });
  t.is(status(entry), 'running');
  t.false(isOrphaned(entry));
});

test('running still when the owner is dead, but an orphan', async (t) => {
  const entry = entryOf(t, { owner: await deadProcess(t) }, { pid: plain(await sleeper(t)) });
  t.is(status(entry), 'running');
  t.true(isOrphaned(entry));
});

test('stopped: init ended, the owner is about to clear up', async (t) => {
  const entry = entryOf(t, { owner: plain(await sleeper(t)) }, { pid: await deadProcess(t) });
  t.is(status(entry), 'stopped');
  t.false(isOrphaned(entry));
});

test('stopped: a kept record with its exit, whoever lives', async (t) => {
  const kept = { keep: true, owner: await deadProcess(t) };
  const settled = entryOf(t, kept, { 'exit.json': EXIT, 'cgroup.json': SETTLED });
  t.is(status(settled), 'stopped');
  t.false(isOrphaned(settled));
  const cgroupsLeft = entryOf(t, kept, { 'exit.json': EXIT });
  t.is(status(cgroupsLeft), 'stopped');
  t.true(isOrphaned(cgroupsLeft));
});

test('an exit record that nobody asked to keep is a leftover', async (t) => {
  t.is(status(entryOf(t, { owner: await deadProcess(t) }, { 'exit.json': EXIT })), 'leftover');
});

test('leftover: the owner is dead', async (t) => {
  const entry = entryOf(t, { owner: await deadProcess(t) });
  t.is(status(entry), 'leftover');
  t.true(isOrphaned(entry));
});

test('leftover: the pid of the owner was reused', async (t) => {
  const reused = plain(await sleeper(t));
  t.is(status(entryOf(t, { owner: { ...reused, startTime: reused.startTime - 1 } })), 'leftover');
});

test('leftover: owner and init of another boot, though both pids and start times fit', async (t) => {
  const other = { ...plain(await sleeper(t)), bootId: OTHER_BOOT };
  const entry = entryOf(t, { owner: other }, { pid: other });
  t.is(status(entry), 'leftover');
  t.true(isOrphaned(entry));
});

test('a reused pid of init does not make it running', async (t) => {
  const init = plain(await sleeper(t));
  t.is(status(entryOf(t, { owner: await deadProcess(t) }, { pid: { ...init, startTime: init.startTime + 1 } })), 'leftover');
});

test('corrupt', (t) => {
  const roots = makeRoots(t);
  leave(roots, 'box', { 'state.json': '' });
  const entry = read(roots, 'box');
  t.is(entry && status(entry), 'corrupt');
  t.false(entry && isOrphaned(entry));
});
