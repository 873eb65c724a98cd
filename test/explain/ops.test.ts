import test from 'ava';
import { MEANINGS, meaningOf } from '../../src/explain/ops.js';
import { OPS } from '../../src/plan/ops.js';
import { step, toContainerPath } from '../../src/plan/step.js';
import { samplePlan } from './fixture.js';

test('every op is explained: its manual pages and one sentence', (t) => {
  t.deepEqual(Object.keys(MEANINGS).sort(), Object.keys(OPS).sort());
  for (const [op, { man, purpose }] of Object.entries(MEANINGS)) {
    t.true(man.length > 0, op);
    for (const page of man) t.regex(page, /^[a-z][a-z0-9_-]*\([1-8]\)$/, op);
    t.regex(purpose, /^[A-Z].{20,150}[^.][.?]$/, op);
  }
});

test('every op but the one that only remembers makes system calls', (t) => {
  for (const [op, { syscalls }] of Object.entries(MEANINGS)) {
    t.is(syscalls.length > 0, op !== 'on-orphan', op);
    for (const call of syscalls) t.regex(call, /^[a-z][a-z0-9_]*(\([A-Za-z0-9_|]+\))?$/, op);
  }
});

test('the fixture has every op, so that the tests of the renderers see each of them', (t) => {
  const used = new Set(samplePlan().steps.map(({ op }) => op));
  t.deepEqual([...used].sort(), (Object.keys(OPS) as (keyof typeof OPS)[]).sort());
});

test('a mount leads to the page of its file system, a birth into a cgroup says so', (t) => {
  const note = { chapter: 'mounts', why: '' } as const;
  const mount = (type: string) =>
    step('mount', 'init', { root: 'root', type, target: toContainerPath('/x'), options: [], attrs: 0, mode: 0 }, note);
  t.deepEqual(meaningOf(mount('devpts')).man, ['pts(4)', 'mount(2)']);
  t.deepEqual(meaningOf(mount('ext4')).man, ['mount(2)']);
  const born = step('clone', 'stage', { pidfd: 'init', cgroup: 'cgroup', namespaces: 0 }, note);
  t.deepEqual(meaningOf(born).syscalls, ['clone3(CLONE_PARENT|CLONE_PIDFD|CLONE_INTO_CGROUP)']);
});
