import { execFileSync } from 'node:child_process';
import fs, { mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import test from 'ava';
import { MAX_STATE_FILE } from '../../src/state/file.js';
import { read, readAll } from '../../src/state/store.js';
import { fullRecord, leave, makeRoots } from './_sandbox.js';

test('no state root: no containers', (t) => {
  t.deepEqual(readAll(makeRoots(t)), []);
});

test('a whole folder is read', (t) => {
  const roots = makeRoots(t);
  const record = fullRecord('box');
  leave(roots, 'box', { 'state.json': record, pid: { version: 1, pid: 5, startTime: 6, bootId: record.owner.bootId } });
  const entry = read(roots, 'box');
  t.deepEqual(entry?.record, record);
  t.is(entry?.init?.pid, 5);
  t.is(entry?.problem, undefined);
  t.is(entry?.exit, undefined);
});

test('temporary folders are no containers', (t) => {
  const roots = makeRoots(t);
  leave(roots, '.box.1-2.0123456789abcdef', {});
  t.deepEqual(readAll(roots), []);
});

/** Has something happen right before a state.json is opened, once. */
function atOpen<T>(happens: () => void, look: () => T): T {
  const open = fs.openSync;
  const stop = (): void => {
    fs.openSync = open;
    syncBuiltinESMExports();
  };
  fs.openSync = (path, ...more) => {
    if (String(path).endsWith('/state.json')) {
      stop();
      happens();
    }
    return open(path, ...more);
  };
  syncBuiltinESMExports();
  try {
    return look();
  } finally {
    stop();
  }
}

test('a folder that an undo renames away while it is read is not there, or is the next one of the name', (t) => {
  const roots = makeRoots(t);
  const away = (): void => renameSync(leave(roots, 'box', {}), `${roots.state}/.away`);
  leave(roots, 'box', { 'state.json': fullRecord('box') });
  t.is(
    atOpen(away, () => read(roots, 'box')),
    undefined,
  );
  const next = fullRecord('box');
  leave(roots, 'box', { 'state.json': fullRecord('box'), 'exit.json': {} });
  renameSync(`${roots.state}/.away`, `${roots.state}/.old`);
  const swap = (): void => {
    away();
    leave(roots, 'box', { 'state.json': next });
  };
  t.deepEqual(atOpen(swap, () => read(roots, 'box'))?.record, next);
});

function makeSparse(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 2 ** 40);
}

function makeSymlink(path: string): void {
  writeFileSync(`${path}.real`, JSON.stringify(fullRecord('box')));
  symlinkSync(`${path}.real`, path);
}

const big = JSON.stringify(fullRecord('box', { rootfs: 'x'.repeat(MAX_STATE_FILE) }));
for (const [what, make, problem] of [
  ['missing', () => undefined, 'state.json is missing'],
  ['empty', (path) => writeFileSync(path, ''), 'state.json is empty'],
  ['truncated', (path) => writeFileSync(path, JSON.stringify(fullRecord('box')).slice(0, 60)), 'state.json is not JSON'],
  ['huge', (path) => writeFileSync(path, big), 'state.json is larger than 1 MiB'],
  ['sparse and huge', makeSparse, 'state.json is larger than 1 MiB'],
  ['a symlink', makeSymlink, 'state.json is a symbolic link'],
  ['a FIFO', (path) => void execFileSync('mkfifo', [path]), 'state.json is not a regular file'],
  ['a folder', (path) => void mkdirSync(path), 'state.json is not a regular file'],
  ['bytes', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1])), 'state.json is not JSON'],
  [
    'of another container',
    (path) => writeFileSync(path, JSON.stringify(fullRecord('bax'))),
    'state.json belongs to a container of another name',
  ],
] satisfies [string, (path: string) => void, string][]) {
  test(`a state.json that is ${what} makes the entry corrupt and hides no other`, (t) => {
    const roots = makeRoots(t);
    make(`${leave(roots, 'box', {})}/state.json`);
    leave(roots, 'good', { 'state.json': fullRecord('good') });
    const [box, good] = readAll(roots);
    t.is(box?.record, undefined);
    t.is(box?.problem, problem);
    t.is(good?.record?.name, 'good');
  });
}

test('a symlink or a file in the place of a folder is corrupt, and never followed', (t) => {
  const roots = makeRoots(t);
  const real = leave(roots, 'real', { 'state.json': fullRecord('link') });
  symlinkSync(real, `${roots.state}/link`);
  writeFileSync(`${roots.state}/file`, '');
  t.false(read(roots, 'link')?.isFolder);
  t.is(read(roots, 'link')?.record, undefined);
  t.false(read(roots, 'file')?.isFolder);
});

test('a damaged pid, cgroup or exit file counts as missing', (t) => {
  const roots = makeRoots(t);
  leave(roots, 'box', { 'state.json': fullRecord('box'), pid: '{', 'cgroup.json': '[]', 'exit.json': '' });
  const entry = read(roots, 'box');
  t.is(entry?.record?.name, 'box');
  t.deepEqual([entry?.init, entry?.cgroups, entry?.exit], [undefined, undefined, undefined]);
});
