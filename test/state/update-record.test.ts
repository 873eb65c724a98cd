import test from 'ava';
import { CorruptFile } from '../../src/state/file.js';
import { read } from '../../src/state/store.js';
import { decodeUpdate, merge, withUpdate } from '../../src/state/update-record.js';
import { fullRecord, leave, makeRoots } from './_sandbox.js';

const UPDATED = '2024-01-02T03:04:05.678Z';
const RESOURCES = { memory: { limit: 100, swap: -1 }, cpu: { shares: 5, quota: 10, period: 20, cpus: '0-1' }, pids: { limit: -1 } };

test('what was written is read', (t) => {
  t.deepEqual(decodeUpdate({ version: 1, updated: UPDATED, start: 1, resources: RESOURCES }), {
    updated: UPDATED,
    start: 1,
    resources: RESOURCES,
  });
  t.deepEqual(decodeUpdate({ version: 1, updated: UPDATED, start: 1, resources: {} }).resources, {});
});

test('what was not is refused', (t) => {
  for (const wrong of [
    {},
    { version: 2, updated: UPDATED, start: 1, resources: {} },
    { version: 1, updated: 'now', start: 1, resources: {} },
    { version: 1, updated: UPDATED, start: 1, resources: { memory: { limit: '5' } } },
    { version: 1, updated: UPDATED, start: 1, resources: { cpu: { cpus: '0\n1' } } },
    { version: 1, updated: UPDATED, start: 1, resources: { pids: {} } },
  ])
    t.throws(() => decodeUpdate(wrong), { instanceOf: CorruptFile });
});

test('later changes add to earlier ones, and to the config', (t) => {
  t.deepEqual(merge({ cpu: { shares: 5 }, pids: { limit: 1 } }, { cpu: { quota: 7 }, pids: { limit: 2 } }), {
    cpu: { shares: 5, quota: 7 },
    pids: { limit: 2 },
  });
  const config = { memory: { limit: 50, swap: 50 }, pids: { limit: 2048 }, devices: [] };
  t.deepEqual(withUpdate(config, { updated: UPDATED, start: 1, resources: { memory: { limit: 60, swap: 60 } } }), {
    ...config,
    memory: { limit: 60, swap: 60 },
  });
  t.is(withUpdate(config, undefined), config);
});

test("a container's record has the memory limit of the last change; a damaged one changes nothing", (t) => {
  const roots = makeRoots(t);
  leave(roots, 'box', {
    'state.json': fullRecord('box', { memoryLimit: 50 }),
    'update.json': { version: 1, updated: UPDATED, start: 1, resources: RESOURCES },
  });
  t.is(read(roots, 'box')?.record?.memoryLimit, 100);
  t.deepEqual(read(roots, 'box')?.update?.resources, RESOURCES);
  leave(roots, 'bad', { 'state.json': fullRecord('bad', { memoryLimit: 50 }), 'update.json': '{' });
  t.is(read(roots, 'bad')?.record?.memoryLimit, 50);
  leave(roots, 'again', {
    'state.json': fullRecord('again', { memoryLimit: 70, start: 2 }),
    'update.json': { version: 1, updated: UPDATED, start: 1, resources: RESOURCES },
  });
  t.is(read(roots, 'again')?.record?.memoryLimit, 70, 'of an earlier start');
});
