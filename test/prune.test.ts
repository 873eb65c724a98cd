import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../src/errors.js';
import { bootId } from '../src/host/process.js';
import { createLayer, layerId } from '../src/layer.js';
import type { HostPath } from '../src/plan/step.js';
import { prunable, prune } from '../src/prune.js';
import type { ContainerRecord } from '../src/state/record.js';
import type { Roots } from '../src/state/roots.js';
import { temporaryPath } from '../src/state/temporary.js';
import { deadProcess, fullRecord, leave, makeRoots, names, noteVerbs, plain, sleeper } from './state/_sandbox.js';

const verbs = noteVerbs();
const OLD = '2020-01-01T00:00:00.000Z';
const END = { version: 1, exitCode: 0, signal: null, reason: 'exit', finished: OLD };

/** A kept, stopped container with 100 kB in its layer. */
async function stopped(t: ExecutionContext, roots: Roots, name: string, more: Partial<ContainerRecord> = {}): Promise<HostPath> {
  const record = fullRecord(name, { owner: plain(await deadProcess(t)), keep: true, ...more });
  const directory = leave(roots, name, { 'state.json': '' });
  const layer = createLayer(roots.layers, layerId(name), { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 }, { directory, record });
  writeFileSync(`${layer.upper}/file`, Buffer.alloc(100_000, 1));
  leave(roots, name, {
    'state.json': { ...record, layer: layer.directory },
    'exit.json': END,
    'cgroup.json': { version: 1, bootId: bootId(), directories: [] },
  });
  return directory;
}

/** One of each kind that is to go, and of each that is to stay. */
async function furnish(t: ExecutionContext): Promise<Roots> {
  const roots = makeRoots(t);
  await stopped(t, roots, 'kept');
  const dead = plain(await deadProcess(t));
  leave(roots, 'crashed', { 'state.json': fullRecord('crashed', { owner: dead }) });
  mkdirSync(temporaryPath(roots, 'half', dead));
  const living = plain(await sleeper(t));
  leave(roots, 'running', { 'state.json': fullRecord('running', { owner: living }), pid: { version: 1, ...plain(await sleeper(t)) } });
  leave(roots, 'creating', { 'state.json': fullRecord('creating', { owner: living }) });
  leave(roots, 'damaged', { 'state.json': '{' });
  mkdirSync(temporaryPath(roots, 'filling', living));
  return roots;
}

test('what nothing uses any more is found, and goes; what runs, starts or is damaged stays', async (t) => {
  const roots = await furnish(t);
  const found = prunable({}, { roots, verbs });
  t.deepEqual(found.map(({ kind }) => kind).sort(), ['leftover', 'stopped', 'temporary']);
  const kept = found.find(({ kind }) => kind === 'stopped');
  t.true((kept?.bytes ?? 0) >= 100_000 && (kept?.bytes ?? 0) < 200_000);
  const pruned = prune(found, { roots, verbs });
  t.deepEqual(
    pruned.filter(({ problem }) => problem !== undefined),
    [],
  );
  t.deepEqual(
    readdirSync(roots.layers).filter((name) => !name.startsWith('.')),
    [],
  );
  const left = names(roots.state).filter((name) => !name.startsWith('.filling.'));
  t.deepEqual(left, ['creating', 'damaged', 'running']);
  t.is(names(roots.state).length, 4);
  t.deepEqual(prunable({}, { roots, verbs }), []);
});

test('a layer that lost its record is found by its name', async (t) => {
  const roots = makeRoots(t);
  const directory = await stopped(t, roots, 'box');
  const before = prunable({}, { roots, verbs });
  const fs = await import('node:fs');
  fs.rmSync(directory, { recursive: true });
  const found = prunable({}, { roots, verbs });
  t.deepEqual(
    found.map(({ kind, name }) => [kind, name]),
    [['layer', 'box']],
  );
  // What was seen with a record is that layer now: `remove` takes it.
  t.is(prune(before, { roots, verbs })[0]?.problem, undefined);
  t.deepEqual(prunable({}, { roots, verbs }), []);
});

test('a container that took the name since is left alone, and one that runs since is refused', async (t) => {
  const roots = makeRoots(t);
  await stopped(t, roots, 'other');
  const again = await stopped(t, roots, 'again');
  const found = prunable({}, { roots, verbs });
  const living = plain(await sleeper(t));
  const record = fullRecord('other', { owner: living });
  leave(roots, 'other', { 'state.json': record });
  leave(roots, 'again', { pid: { version: 1, ...living } });
  const problems = prune(found, { roots, verbs }).map(({ name, problem }) => `${name}: ${problem?.message}`);
  t.deepEqual(problems, [`again: again is running (pid ${living.pid})`, 'other: other is another container by now']);
  t.true(existsSync(again));
  t.true(existsSync(`${roots.state}/other/state.json`));
});

test('until=TIME spares what is younger', async (t) => {
  const roots = makeRoots(t);
  await stopped(t, roots, 'old', { created: OLD });
  await stopped(t, roots, 'young');
  const seen = (filter: string[]): string[] => prunable({ filter }, { roots, verbs }).map(({ name }) => name);
  t.deepEqual([seen(['until=24h']), seen(['until=0s']).length, seen(['until=2019-01-01'])], [['old'], 2, []]);
  t.deepEqual(seen(['until=0s', 'until=24h']), ['old']);
  for (const filter of ['until=x', 'label=a', 'until'])
    t.throws(() => prunable({ filter: [filter] }, { roots, verbs }), { instanceOf: UserError }, filter);
});
