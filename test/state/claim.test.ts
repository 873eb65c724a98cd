import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { BugError, UserError } from '../../src/errors.js';
import { bootId } from '../../src/host/process.js';
import { list } from '../../src/list.js';
import { toHostPath } from '../../src/plan/step.js';
import { MAX_STATE_FILE } from '../../src/state/file.js';
import type { Roots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { undo } from '../../src/undo.js';
import { exited } from '../in-time.js';
import { bundle, start } from './_children.js';
import { deadProcess, fullRecord, leave, makeRoots, names, noteVerbs, plain, sleeper, take } from './_sandbox.js';

const EXIT = { exitCode: 0, signal: null, reason: 'exit', finished: '2024-01-02T03:04:05.678Z', oomKills: 0, start: 1 };

test('a claim fills the folder: private, and with all that undo needs', (t) => {
  const roots = makeRoots(t);
  const held = take(roots, 'box', { memoryLimit: 50 });
  t.is(held.directory, toHostPath(`${roots.state}/box`));
  t.is(statSync(held.directory).mode & 0o7777, 0o700);
  t.is(statSync(roots.state).mode & 0o7777, 0o700);
  t.deepEqual(names(roots.state), ['box']);
  t.deepEqual(names(held.directory), ['spare', 'state.json']);
  t.is(statSync(`${held.directory}/state.json`).mode & 0o7777, 0o600);
  t.deepEqual(read(roots, 'box')?.record, held.record);
});

test('what is written later is read back', (t) => {
  const roots = makeRoots(t);
  const held = take(roots, 'box');
  held.writeConfig({});
  held.writeCgroups([]);
  held.writePid(process.pid);
  held.writeExit(EXIT);
  const entry = read(roots, 'box');
  t.deepEqual(entry?.cgroups, { bootId: bootId(), directories: [] });
  t.deepEqual(entry?.init, { ...held.record.owner, start: 1 });
  t.deepEqual(entry?.exit, EXIT);
  t.deepEqual(names(held.directory), ['cgroup.json', 'config.json', 'exit.json', 'pid', 'spare', 'state.json']);
});

test('numbers beyond 2^53 stay exact in config.json', (t) => {
  const roots = makeRoots(t);
  const config = { hard: 18446744073709551615n, low: -1n, text: '\u00001', plain: 3 };
  const held = take(roots, 'box');
  held.writeConfig(config);
  t.is(readFileSync(`${held.directory}/config.json`, 'utf8'), '{"hard":18446744073709551615,"low":-1,"text":"\\u00001","plain":3}');
});

test('a command of megabytes does not make the record unreadable', (t) => {
  const roots = makeRoots(t);
  take(roots, 'box', { command: Array.from({ length: 3000 }, () => 'x'.repeat(2000)) });
  t.is(read(roots, 'box')?.problem, undefined);
  t.true(statSync(`${roots.state}/box/state.json`).size < MAX_STATE_FILE / 4);
});

const takenError = (t: ExecutionContext, roots: Roots): UserError | undefined =>
  t.throws(() => take(roots, 'box'), { instanceOf: UserError });

test('taken by a running container', async (t) => {
  const roots = makeRoots(t);
  const init = await sleeper(t);
  take(roots, 'box').writePid(init.pid);
  const error = takenError(t, roots);
  t.is(error?.message, `the name box is taken by a running container (pid ${init.pid})`);
  t.is(error?.hint, 'crt ps');
  t.deepEqual(names(roots.state), ['box']);
});

test('taken by one that is being started', async (t) => {
  const roots = makeRoots(t);
  const owner = plain(await sleeper(t));
  take(roots, 'box', { owner });
  t.is(takenError(t, roots)?.message, `the name box is taken by a container that is being started (by process ${owner.pid})`);
});

test('taken by a kept one, until rm', async (t) => {
  const roots = makeRoots(t);
  const cgroups = { version: 1, bootId: bootId(), directories: [] };
  leave(roots, 'box', {
    'state.json': fullRecord('box', { keep: true, owner: await deadProcess(t) }),
    'exit.json': { version: 1, ...EXIT },
    'cgroup.json': cgroups,
  });
  const error = takenError(t, roots);
  t.is(error?.message, 'the name box is taken by a stopped container whose layer is kept');
  t.is(error?.hint, 'crt rm box');
});

test('taken by damaged state, a file or a symlink', (t) => {
  const roots = makeRoots(t);
  const directory = leave(roots, 'box', { 'state.json': '' });
  t.is(takenError(t, roots)?.message, 'the name box is taken by a damaged state folder (state.json is empty)');
  t.is(takenError(t, roots)?.hint, 'crt rm box');
  rmSync(directory, { recursive: true });
  writeFileSync(directory, '');
  t.regex(takenError(t, roots)?.message ?? '', /not a folder/);
  rmSync(directory);
  const elsewhere = mkdtempSync(`${tmpdir()}/crt-state-`);
  t.teardown(() => rmSync(elsewhere, { recursive: true }));
  symlinkSync(elsewhere, directory);
  t.regex(takenError(t, roots)?.message ?? '', /not a folder/);
  t.deepEqual(names(elsewhere), []);
  t.deepEqual(names(roots.state), ['box']);
});

test('a leftover is undone and its name taken', async (t) => {
  const roots = makeRoots(t);
  leave(roots, 'box', { 'state.json': fullRecord('box', { owner: await deadProcess(t) }), pid: await deadProcess(t) });
  const held = take(roots, 'box');
  t.is(read(roots, 'box')?.record?.id, held.record.id);
  t.is(read(roots, 'box')?.init, undefined);
});

test('temporary folders of the dead are swept, those of the living stay', async (t) => {
  const roots = makeRoots(t);
  const living = await sleeper(t);
  const dead = await deadProcess(t);
  const stays = `.box.${living.pid}-${living.startTime}.0123456789abcdef`;
  leave(roots, stays, {});
  leave(roots, `.box.${dead.pid}-${dead.startTime}.0123456789abcdef`, { 'state.json': '{}' });
  leave(roots, `.box.${living.pid}-${living.startTime + 1}.0123456789abcdef`, {});
  take(roots, 'box');
  t.deepEqual(names(roots.state), [stays, 'box']);
});

test('a name that was not checked is our bug', (t) => {
  t.throws(() => take(makeRoots(t), '../box'), { instanceOf: BugError });
});

test('a root that others can write to is refused', (t) => {
  const roots = makeRoots(t);
  mkdirSync(roots.state);
  chmodSync(roots.state, 0o777);
  t.regex(t.throws(() => take(roots, 'box'), { instanceOf: UserError })?.message ?? '', /can be changed by other users/);
});

test('writers say so when the container was removed, and leave a next one of the name alone', (t) => {
  const roots = makeRoots(t);
  const first = take(roots, 'box');
  undo(first.directory, { roots, verbs: noteVerbs() }, { claim: first.record.id });
  t.throws(() => first.writePid(process.pid), { instanceOf: UserError, message: 'the container box was removed by somebody else' });
  const second = take(roots, 'box');
  t.throws(() => first.writeExit(EXIT), { instanceOf: UserError, message: 'the container box was removed by somebody else' });
  t.is(undo(first.directory, { roots, verbs: noteVerbs() }, { claim: first.record.id }).outcome, 'gone');
  t.is(read(roots, 'box')?.exit, undefined);
  t.is(read(roots, 'box')?.record?.id, second.record.id);
});

for (const [what, before] of [
  ['a free name', () => undefined],
  [
    'the name of a leftover',
    async (t, roots) => void leave(roots, 'box', { 'state.json': fullRecord('box', { owner: await deadProcess(t) }) }),
  ],
] satisfies [string, (t: ExecutionContext, roots: Roots) => unknown][]) {
  test.serial(`fifty processes claim ${what} at once: one wins`, async (t) => {
    const roots = makeRoots(t);
    await before(t, roots);
    const program = await bundle(t);
    const claimers = Array.from({ length: 50 }, () => start(t, program, 'once', roots, 'box'));
    t.true((await Promise.all(claimers.map(({ line }) => line()))).every((line) => line === 'ready'));
    for (const { child } of claimers) child.stdin?.write('\n');
    const answers = await Promise.all(claimers.map(({ line }) => line()));
    t.is(answers.filter((answer) => answer === 'won').length, 1);
    t.is(answers.filter((answer) => answer === 'taken').length, 49);
    t.deepEqual(names(roots.state), ['box']);
    const winner = claimers[answers.indexOf('won')]?.child;
    t.is(read(roots, 'box')?.record?.owner.pid, winner?.pid);
    for (const { child } of claimers) child.stdin?.end();
    await Promise.all(claimers.map(({ child }) => exited(child)));
    t.is(read(roots, 'box')?.record?.owner.pid, winner?.pid);
    take(roots, 'box');
  });
}

test.serial('owners, repairers and sudden deaths on one name: nobody loses a folder that it holds', async (t) => {
  const roots = makeRoots(t);
  const program = await bundle(t);
  const repairers = [1, 2].map(() => start(t, program, 'repair', roots, 'box'));
  const owners = [1, 2, 3].map(() => start(t, program, 'loop', roots, 'box'));
  // These die at whatever they are doing when the first word of theirs arrives.
  for (let victim = 0; victim < 12; victim++) {
    const { child, line } = start(t, program, 'loop', roots, 'box');
    await line();
    if (victim % 2 === 1) await line();
    child.kill('SIGKILL');
    await exited(child);
  }
  // An owner that found its folder changed has thrown, and ended with 1.
  t.deepEqual(
    (await Promise.all(owners.map(({ child }) => exited(child)))).map(([code]) => code),
    [0, 0, 0],
  );
  for (const { child } of repairers) {
    t.is(child.exitCode, null);
    child.kill('SIGKILL');
    await exited(child);
  }
  t.deepEqual(list({ all: true }, { roots, verbs: noteVerbs() }), []);
  t.deepEqual(names(roots.state), []);
  t.false(existsSync(`${roots.state}/box`));
});
