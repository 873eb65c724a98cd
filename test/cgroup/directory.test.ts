import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { refuseTaken } from '../../src/cgroup/directory.js';
import { type HostPath, toHostPath } from '../../src/plan/step.js';

function place(t: ExecutionContext): HostPath {
  const folder = mkdtempSync(`${tmpdir()}/crt-cgroup-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return toHostPath(`${folder}/box`);
}

test('where nothing is, nobody is asked', (t) => {
  t.notThrows(() => refuseTaken([place(t)], 'box', () => t.fail() as never));
});

test("a stranger's is refused, crt's own is not", (t) => {
  const path = place(t);
  mkdirSync(path);
  t.throws(() => refuseTaken([path], 'box', () => false), { name: 'UserError', message: /a cgroup box exists already and is not crt's/ });
  t.notThrows(() => refuseTaken([path], 'box', () => true));
});

test("a file of the kernel's is refused, whatever crt has", (t) => {
  const path = place(t);
  writeFileSync(path, '');
  t.throws(() => refuseTaken([path], 'box', () => true), { name: 'UserError', message: /the name box is taken by a file of the kernel/ });
});

test('a container of ours that ends between the two looks is no stranger', (t) => {
  const path = place(t);
  mkdirSync(path);
  const ends = (): boolean => {
    rmdirSync(path);
    return false;
  };
  t.notThrows(() => refuseTaken([path], 'box', ends));
});
