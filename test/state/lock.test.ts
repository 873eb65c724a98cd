import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import test from 'ava';
import { UserError } from '../../src/errors.js';
import { withUndoLock } from '../../src/state/lock.js';
import { exited } from '../in-time.js';
import { bundle, start } from './_children.js';
import { deadProcess, leave, makeRoots, names, OTHER_BOOT, sleeper } from './_sandbox.js';

test('the work runs while the lock stands, and its value comes back', (t) => {
  const directory = leave(makeRoots(t), 'box', {});
  t.is(
    withUndoLock(directory, () => names(directory).length),
    1,
  );
  t.deepEqual(names(directory), []);
});

test('a folder that is not there: nothing runs', (t) => {
  const roots = makeRoots(t);
  t.is(
    withUndoLock(`${roots.state}/box` as typeof roots.state, () => t.fail()),
    undefined,
  );
});

test('it is released when the work throws', (t) => {
  const directory = leave(makeRoots(t), 'box', {});
  t.throws(
    () =>
      withUndoLock(directory, () => {
        throw new Error('no');
      }),
    { message: 'no' },
  );
  t.deepEqual(names(directory), []);
});

test('a living holder is waited for, then named', async (t) => {
  const directory = leave(makeRoots(t), 'box', {});
  const { pid, startTime, bootId } = await sleeper(t);
  symlinkSync(`${pid} ${startTime} ${bootId}`, `${directory}/undo.0123456789abcdef`);
  const error = t.throws(() => withUndoLock(directory, () => t.fail(), 50), { instanceOf: UserError });
  t.regex(error?.message ?? '', new RegExp(`^process ${pid} is cleaning up`));
  t.deepEqual(names(directory), ['undo.0123456789abcdef']);
});

test('within one process too', (t) => {
  const directory = leave(makeRoots(t), 'box', {});
  withUndoLock(directory, () => t.throws(() => withUndoLock(directory, () => t.fail(), 30), { instanceOf: UserError }));
});

test('the dead, another boot, a reused pid and nonsense hold nothing', async (t) => {
  const directory = leave(makeRoots(t), 'box', { 'undo.3333333333333333': 'a plain file' });
  const { pid, startTime, bootId } = await sleeper(t);
  const dead = await deadProcess(t);
  symlinkSync(`${dead.pid} ${dead.startTime} ${dead.bootId}`, `${directory}/undo.0000000000000000`);
  symlinkSync(`${pid} ${startTime} ${OTHER_BOOT}`, `${directory}/undo.1111111111111111`);
  symlinkSync(`${pid} ${startTime + 1} ${bootId}`, `${directory}/undo.2222222222222222`);
  symlinkSync('nonsense', `${directory}/undo.4444444444444444`);
  t.is(
    withUndoLock(directory, () => names(directory).filter((name) => !name.startsWith('undo.')).length),
    0,
  );
  t.deepEqual(names(directory), ['undo.3333333333333333']);
});

test('work that moves the folder away ends well', (t) => {
  const roots = makeRoots(t);
  const directory = leave(roots, 'box', {});
  const moved = withUndoLock(directory, () => {
    renameSync(directory, `${directory}.gone`);
    mkdirSync(directory);
    return 'moved';
  });
  t.is(moved, 'moved');
  t.deepEqual(names(directory), []);
});

test('of several processes one at a time is inside, also while others die in there', async (t) => {
  const roots = makeRoots(t);
  const directory = leave(roots, 'box', {});
  const program = await bundle(t);
  const holders = [1, 2, 3, 4].map(() => start(t, program, 'lock', roots, 'box'));
  for (let victim = 0; victim < 8; victim++) {
    const { child, line } = start(t, program, 'lock', roots, 'box');
    t.deepEqual([await line(), await line()], ['ready', 'held']);
    child.kill('SIGKILL');
    await exited(child);
  }
  // Who meets another inside throws, and ends with 1.
  t.deepEqual(
    (await Promise.all(holders.map(({ child }) => exited(child)))).map(([code]) => code),
    [0, 0, 0, 0],
  );
  withUndoLock(directory, () => {});
  t.deepEqual(
    names(directory).filter((name) => name !== 'inside'),
    [],
  );
});
