import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { BugError, UserError } from '../src/errors.js';
import { createLayer, layerId, layerSize, layersOf, lostLayers, removeLayer } from '../src/layer.js';
import { toHostPath } from '../src/plan/step.js';
import type { Roots } from '../src/state/roots.js';
import { fullRecord, makeRoots, names } from './state/_sandbox.js';

const ownerOf = (roots: Roots, name: string): Parameters<typeof createLayer>[3] => ({
  directory: toHostPath(`${roots.state}/${name}`),
  record: fullRecord(name),
});

test('the upper folder has the mode and owner of the lower root, set-id and sticky bits and all', (t) => {
  const roots = makeRoots(t);
  const layer = createLayer(roots.layers, layerId('box'), { lowerMode: 0o43775, lowerUid: 1234, lowerGid: 5678 }, ownerOf(roots, 'box'));
  const { mode, uid, gid } = statSync(layer.upper);
  t.deepEqual([mode & 0o7777, uid, gid], [0o3775, 1234, 5678]);
  t.is(statSync(layer.directory).mode & 0o7777, 0o700);
  t.is(statSync(roots.layers).mode & 0o7777, 0o700);
  t.deepEqual(names(layer.directory), ['owner.json', 'upper', 'work']);
});

test('a root that others can change is refused, and an id must not leave it', (t) => {
  const roots = makeRoots(t);
  const lower = { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 };
  t.throws(() => createLayer(roots.layers, '../x.0123456789abcdef', lower, ownerOf(roots, 'x')), { instanceOf: BugError });
  mkdirSync(roots.layers);
  chmodSync(roots.layers, 0o770);
  t.throws(() => createLayer(roots.layers, layerId('box'), lower, ownerOf(roots, 'box')), { instanceOf: UserError });
});

test('a layer whose making fails leaves nothing', (t) => {
  const roots = makeRoots(t);
  t.throws(() => createLayer(roots.layers, layerId('box'), { lowerMode: 0o755, lowerUid: -5, lowerGid: 0 }, ownerOf(roots, 'box')));
  t.deepEqual(names(roots.layers), []);
});

test('removal takes what the container wrote, never what it points to; a second time it says so', (t) => {
  const roots = makeRoots(t);
  const { directory, upper, work } = createLayer(
    roots.layers,
    layerId('box'),
    { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 },
    ownerOf(roots, 'box'),
  );
  const victim = `${roots.layers}.victim`;
  mkdirSync(victim);
  writeFileSync(`${victim}/file`, '');
  symlinkSync(victim, `${upper}/link`);
  mkdirSync(`${work}/work`, { mode: 0 });
  execFileSync('mknod', [`${upper}/whiteout`, 'c', '0', '0']);
  t.true(removeLayer(roots.layers, directory));
  t.false(existsSync(directory));
  t.true(existsSync(`${victim}/file`));
  t.false(removeLayer(roots.layers, directory));
  execFileSync('rm', ['-r', victim]);
});

test('a tree deeper than paths can be goes too', (t) => {
  const roots = makeRoots(t);
  const { directory, upper } = createLayer(
    roots.layers,
    layerId('box'),
    { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 },
    ownerOf(roots, 'box'),
  );
  const folder = 'd'.repeat(200);
  execFileSync('sh', ['-c', `i=0; while [ $i -lt 60 ]; do mkdir ${folder} && cd -P ${folder} || exit 1; i=$((i+1)); done; touch file`], {
    cwd: upper,
  });
  t.is(layerSize(directory), undefined);
  t.true(removeLayer(roots.layers, directory));
  t.is(lstatSync(directory, { throwIfNoEntry: false }), undefined);
});

test('layers are found by name: whole names, and only of these roots', (t) => {
  const roots = makeRoots(t);
  const lower = { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 };
  const box = createLayer(roots.layers, layerId('box'), lower, ownerOf(roots, 'box')).directory;
  createLayer(roots.layers, layerId('box.2'), lower, ownerOf(roots, 'box.2'));
  createLayer(roots.layers, layerId('box'), lower, { ...ownerOf(roots, 'box'), directory: toHostPath('/elsewhere/box') });
  mkdirSync(`${roots.layers}/${layerId('box')}`);
  t.deepEqual(
    layersOf(roots, 'box').map(({ layer }) => layer),
    [box],
  );
  t.is(lostLayers(roots).length, 2);
  mkdirSync(`${roots.state}/box`, { recursive: true });
  t.deepEqual(
    lostLayers(roots).map(({ record }) => record.name),
    ['box.2'],
  );
});

test('the size counts blocks and follows no symlink', (t) => {
  const roots = makeRoots(t);
  const { directory, upper } = createLayer(
    roots.layers,
    layerId('box'),
    { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 },
    ownerOf(roots, 'box'),
  );
  symlinkSync('/usr', `${upper}/usr`);
  writeFileSync(`${upper}/file`, Buffer.alloc(1_000_000));
  const bytes = layerSize(directory) ?? 0;
  t.true(bytes >= 1_000_000 && bytes < 1_200_000, String(bytes));
});
