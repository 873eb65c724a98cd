import test from 'ava';
import { toHostPath } from '../../src/plan/step.js';
import { CorruptFile } from '../../src/state/file.js';
import { decodeCgroups, decodeExit, decodeProcess, decodeRecord } from '../../src/state/record.js';
import { fullRecord, OTHER_BOOT } from './_sandbox.js';

const record = fullRecord('box', {
  memoryLimit: 52428800,
  layer: toHostPath('/var/lib/crt/layers/box.0123456789abcdef'),
  cgroupPaths: [toHostPath('/sys/fs/cgroup/memory/box')],
  loosened: ['writable rootfs'],
});

test('a record comes back as it was written', (t) => {
  t.deepEqual(decodeRecord(JSON.parse(JSON.stringify(record)), 'box'), record);
  const bare = fullRecord('box');
  t.deepEqual(decodeRecord(JSON.parse(JSON.stringify(bare)), 'box'), bare);
});

const without = (key: string): unknown => Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));

for (const [what, value] of Object.entries({
  null: null,
  'an array': [],
  'a string': 'box',
  'an empty object': {},
  'another version': { ...record, version: 2 },
  'another name': { ...record, name: 'bax' },
  'a bad id': { ...record, id: '../../etc' },
  'no owner': without('owner'),
  'owner pid 0': { ...record, owner: { ...record.owner, pid: 0 } },
  'owner pid −1': { ...record, owner: { ...record.owner, pid: -1 } },
  'owner pid too big': { ...record, owner: { ...record.owner, pid: 2 ** 22 + 1 } },
  'owner pid as text': { ...record, owner: { ...record.owner, pid: '1' } },
  'a fractional start time': { ...record, owner: { ...record.owner, startTime: 1.5 } },
  'a bad boot id': { ...record, owner: { ...record.owner, bootId: 'x' } },
  'a date that is none': { ...record, created: 'yesterday' },
  'a 31st of nothing': { ...record, created: '2024-13-31T00:00:00.000Z' },
  'a command that is text': { ...record, command: '/bin/sh' },
  'a number in the command': { ...record, command: ['sh', 3] },
  'a relative layer': { ...record, layer: 'layers/box' },
  'a layer with NUL': { ...record, layer: '/a\0b' },
  'a relative cgroup': { ...record, cgroupPaths: ['memory/box'] },
  'keep as text': { ...record, keep: 'false' },
  'a negative limit': { ...record, memoryLimit: -1 },
  'fields by prototype only': JSON.parse(`{"__proto__":${JSON.stringify(record)}}`),
})) {
  test(`refused as corrupt: ${what}`, (t) => {
    t.throws(() => decodeRecord(value, 'box'), { instanceOf: CorruptFile });
  });
}

test('the message names the field', (t) => {
  t.is(t.throws(() => decodeRecord({ ...record, owner: { ...record.owner, pid: 0 } }, 'box'))?.message, 'owner.pid is not valid');
  t.is(t.throws(() => decodeRecord(without('keep'), 'box'))?.message, 'keep is missing');
});

test('process, cgroups and exit are decoded strictly', (t) => {
  t.deepEqual(decodeProcess({ version: 1, pid: 7, startTime: 9, bootId: OTHER_BOOT, start: 3 }), {
    pid: 7,
    startTime: 9,
    bootId: OTHER_BOOT,
    start: 3,
  });
  // An older crt did not write it.
  t.is(decodeProcess({ version: 1, pid: 7, startTime: 9, bootId: OTHER_BOOT }).start, 1);
  t.throws(() => decodeProcess({ pid: 7 }), { instanceOf: CorruptFile });
  const cgroups = { bootId: OTHER_BOOT, directories: [{ path: toHostPath('/sys/fs/cgroup/memory/box'), inode: 12 }] };
  t.deepEqual(decodeCgroups({ version: 1, ...cgroups }), cgroups);
  t.throws(() => decodeCgroups({ version: 1, bootId: OTHER_BOOT, directories: [{ path: '/x', inode: 0 }] }), { instanceOf: CorruptFile });
  const exit = { exitCode: 137, signal: 'SIGKILL', reason: 'oom', finished: '2024-01-02T03:04:05.678Z', oomKills: 1, start: 2 };
  t.deepEqual(decodeExit({ version: 1, ...exit }), exit);
  t.deepEqual(decodeExit({ version: 1, ...exit, exitCode: null, signal: null }), { ...exit, exitCode: null, signal: null });
  t.throws(() => decodeExit({ version: 1, ...exit, exitCode: 256 }), { instanceOf: CorruptFile });
});
