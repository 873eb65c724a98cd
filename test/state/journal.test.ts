import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type JournalEvent, JournalReader, journal, journalPath } from '../../src/state/journal.js';
import type { Roots } from '../../src/state/roots.js';
import { readAll } from '../../src/state/store.js';
import { exited } from '../in-time.js';
import { makeRoots } from './_sandbox.js';

const ID = '0123456789abcdef';

function made(t: ExecutionContext): Roots {
  const roots = makeRoots(t);
  mkdirSync(roots.state, { mode: 0o700 });
  return roots;
}

function note(roots: Roots, name: string): boolean {
  return journal(roots, { event: 'start', name, id: ID });
}

function namesOf(events: readonly JournalEvent[]): string[] {
  return events.map(({ name }) => name);
}

function reading(t: ExecutionContext, roots: Roots): JournalReader {
  const reader = new JournalReader(roots);
  t.teardown(() => reader.close());
  return reader;
}

test('what is written is read, once, and only root may', (t) => {
  const roots = made(t);
  const reader = reading(t, roots);
  t.deepEqual(reader.read(), []);
  t.true(note(roots, 'one'));
  t.is(statSync(journalPath(roots)).mode & 0o777, 0o600);
  const end = { event: 'exit', name: 'one', id: ID, exitCode: 137, signal: 'SIGKILL', reason: 'oom', oomKills: 2 } as const;
  journal(roots, end);
  const [first, second, ...more] = reader.read();
  t.like(first, { event: 'start', name: 'one', id: ID });
  t.like(second, end);
  t.deepEqual([more, reader.read()], [[], []]);
  t.deepEqual(readAll(roots), []);
});

test('lines that are not ours are left out, also one that a full disk has cut', (t) => {
  const roots = made(t);
  note(roots, 'before');
  const bad = [
    '{}',
    'x',
    '{"event":"start"}',
    `{"time":"2026-01-01T00:00:00Z","event":"start","name":"../x","id":"${ID}"}`,
    '[]',
    '\0\xff',
  ];
  appendFileSync(journalPath(roots), `${bad.join('\n')}\n{"time":"2026-01-01T0`);
  note(roots, 'after');
  t.deepEqual(namesOf(reading(t, roots).read()), ['before', 'after']);
});

test('a new file is begun at a mebibyte, and a reader goes on in it', (t) => {
  const roots = made(t);
  note(roots, 'old');
  const reader = reading(t, roots);
  t.deepEqual(namesOf(reader.read()), ['old']);
  appendFileSync(journalPath(roots), `${'x'.repeat(1 << 20)}\n`);
  note(roots, 'last');
  note(roots, 'next');
  t.true(statSync(`${journalPath(roots)}.1`).size > 1 << 20);
  t.true(statSync(journalPath(roots)).size < 1000);
  t.deepEqual(namesOf(reader.read()), ['last', 'next']);
  t.deepEqual(namesOf(reading(t, roots).read()), ['old', 'last', 'next']);
});

test('what stands in its place is not followed, not waited for, and nothing fails', (t) => {
  const roots = made(t);
  const victim = `${roots.state}/.victim`;
  writeFileSync(victim, 'kept');
  symlinkSync(victim, journalPath(roots));
  t.false(note(roots, 'box'));
  t.is(readFileSync(victim, 'utf8'), 'kept');
  t.deepEqual(reading(t, roots).read(), []);
  const other = made(t);
  mkdirSync(journalPath(other));
  t.false(note(other, 'box'));
  t.deepEqual(reading(t, other).read(), []);
  t.false(journal(makeRoots(t), { event: 'rm', name: 'box', id: '' }));
});

test('a file that was emptied or made huge does no harm', (t) => {
  const roots = made(t);
  note(roots, 'one');
  const reader = reading(t, roots);
  reader.read();
  truncateSync(journalPath(roots), 0);
  t.deepEqual(reader.read(), []);
  note(roots, 'again');
  t.deepEqual(namesOf(reader.read()), ['again']);
  const huge = made(t);
  note(huge, 'one');
  truncateSync(journalPath(huge), 2 ** 33);
  note(huge, 'two');
  t.deepEqual(namesOf(reading(t, huge).read()), ['two']);
});

test('lines of many writers are whole, also where a new file is begun', async (t) => {
  const roots = made(t);
  const program = `import(${JSON.stringify(fileURLToPath(new URL('../../src/state/journal.ts', import.meta.url)))}).then(({ journal }) => {
    for (let at = 0; at < 3000; at++) journal({ state: ${JSON.stringify(roots.state)} }, { event: 'start', name: process.argv[1], id: '${ID}' });
  });`;
  const writers = ['a', 'b', 'c'].map((name) =>
    spawn(process.execPath, ['--import=tsx', '-e', program, `${name.repeat(60)}`], { stdio: 'ignore' }),
  );
  const codes = await Promise.all(writers.map(async (writer) => (await exited(writer))[0]));
  t.deepEqual(codes, [0, 0, 0]);
  const events = reading(t, roots).read();
  // About 170 bytes each: the file was changed once, the older one is kept.
  t.is(events.length, 9000);
  t.true(statSync(`${journalPath(roots)}.1`).isFile());
});
