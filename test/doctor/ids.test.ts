import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { CHECK_IDS } from '../../src/check-ids.js';
import { CHECKS } from '../../src/doctor/checks.js';
import { stepError } from '../../src/failure.js';
import { checkOf, OP_CHECKS } from '../../src/op-checks.js';
import { OPS, type OpName } from '../../src/plan/ops.js';
import type { Step } from '../../src/plan/step.js';

const src = new URL('../../src/', import.meta.url);
const registered = CHECKS.map(({ id }) => id as string).sort();
const ERRNOS = [0, 1, 2, 11, 12, 13, 17, 19, 20, 22, 28, 38, 40, 122];

/** Files of src/doctor/checks, without their ending. */
function checkFiles(): string[] {
  return readdirSync(new URL('doctor/checks', src))
    .filter((name) => /(?<!\.d)\.[tj]s$/.test(name))
    .map((name) => name.replace(/\.[tj]s$/, ''))
    .filter((name, at, all) => all.indexOf(name) === at)
    .sort();
}

/** Sources of everything but the checks themselves, which point to nothing. */
function sources(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.d)\.[tj]s$/.test(file) && !file.startsWith('doctor/'))
    .map((file) => readFileSync(new URL(file, src), 'utf8'));
}

/** Every check that an error of `run` or of another command can point to. */
function named(): Set<string> {
  // `check: 'a'`, and `check: which ? 'a' : 'b'`.
  const places = sources().flatMap((text) => [...text.matchAll(/\bcheck: (?:[^'"\n]*\? )?(['"][a-z-]+['"](?: : ['"][a-z-]+['"])?)/g)]);
  const written = places.flatMap(([, words = '']) => words.match(/[a-z-]+/g) ?? []);
  return new Set([
    ...written,
    ...Object.values(OP_CHECKS),
    ...everyStep().flatMap((step) => ['EPERM', 'ENOSPC', 'EDQUOT', 'ENOSYS', 'EIO'].map((code) => checkOf(step, code))),
  ]);
}

/** One step of each verb; of those whose operands matter, one of each kind. */
function everyStep(): Step[] {
  const make = (op: OpName, operands: Record<string, unknown>): Step =>
    ({ op, actor: 'init', flags: [], operands, chapter: 'process', why: '' }) as unknown as Step;
  return [
    ...(Object.keys(OPS) as OpName[]).map((op) =>
      make(op, { fd: 'lower', source: '/srv', target: '/srv', argv: [''], idmap: 'userns', resource: 7, flags: 0 }),
    ),
    ...['upper', 'work', 'empty', 'cgroup', 'cgroup-memory'].map((fd) => make('open', { fd })),
    ...['/dev/null', '/srv'].map((source) => make('bind-source', { source, target: '/run/crt/box/x', attrs: 0 })),
  ];
}

test('the registry has each id once, and each id has its check', (t) => {
  t.deepEqual(registered, [...CHECK_IDS].sort());
});

test('each file of src/doctor/checks is one registered check, called as its file', (t) => {
  t.deepEqual(checkFiles(), registered);
});

test('each check that an error points to exists', (t) => {
  t.deepEqual(
    [...named()].filter((id) => !registered.includes(id)),
    [],
  );
});

test('no check is orphaned: each that can fail is pointed to by an error', (t) => {
  const known = named();
  const ending = import.meta.url.slice(-3);
  const canFail = (id: string): boolean => /["']fail["']/.test(readFileSync(new URL(`doctor/checks/${id}${ending}`, src), 'utf8'));
  t.deepEqual(
    registered.filter((id) => !known.has(id) && canFail(id)),
    [],
  );
});

test('the error of every step names a check, whatever the errno', (t) => {
  for (const step of everyStep())
    for (const errno of ERRNOS) {
      const { check } = stepError({ steps: [step] }, { index: 0, errno, text: '' });
      t.true(
        CHECK_IDS.some((id) => id === check),
        `${step.op} ${errno}: ${check}`,
      );
    }
});

test('a check says what it proves, why a container needs it, and how it is repaired', (t) => {
  for (const { id, title, proves, why, repair } of CHECKS) {
    for (const text of [title, proves, why, repair]) t.true(text.length > 0 && text.trim() === text, id);
    for (const text of [proves, why, repair]) t.regex(text, /\.$/, id);
  }
});
