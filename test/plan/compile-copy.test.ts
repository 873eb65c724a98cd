import test from 'ava';
import { type CopyEnd, copyInRunning, copyInStopped, copyOnHost, isInMemory, isReadOnly } from '../../src/plan/compile-copy.js';
import { decodePlan, planProblem } from '../../src/plan/decode.js';
import { encodePlan } from '../../src/plan/encode.js';
import { isOp, type Plan, toContainerPath } from '../../src/plan/step.js';
import { forAllPlans } from './configs.js';
import { all, before, one } from './laws.js';

const path = toContainerPath('/etc');
const ENDS: readonly CopyEnd[] = [true, false].flatMap((look): CopyEnd[] => [
  { kind: 'archive', path, name: 'etc', flags: 1, look },
  { kind: 'extract', path, flags: 12, look },
]);

/** Holds for every plan of a copy: what is given up before any path is opened, and how it ends. */
function isSafe(plan: Plan): boolean {
  const paths = all(plan, 'look', 'archive', 'extract');
  const rights = [one(plan, 'bounding'), one(plan, 'caps'), one(plan, 'no-new-privs')];
  const [copy, last] = plan.steps.slice(-2);
  return (
    planProblem(encodePlan(plan)) === undefined &&
    before(rights, paths) &&
    before(rights.slice(0, 1), rights.slice(1, 2)) &&
    plan.steps[one(plan, 'clone') + 1]?.op === 'parent-death' &&
    (copy?.op === 'archive' || copy?.op === 'extract') &&
    last?.op === 'report' &&
    all(plan, 'exec', 'pivot', 'seccomp', 'cgroup-join', 'control', 'log', 'on-orphan').length === 0
  );
}

test('a running container is made sure of, then its users and mounts are entered, and nothing else of it', (t) => {
  for (const end of ENDS) {
    for (const hasUserNamespace of [true, false]) {
      const plan = copyInRunning({ pid: 4711, startTime: 123, hasUserNamespace }, end);
      t.true(isSafe(plan));
      const enter = plan.steps.find((step) => isOp(step, 'enter'));
      t.is(enter?.operands.namespaces, hasUserNamespace ? 0x10020000 : 0x20000);
      t.true(before([one(plan, 'target')], [one(plan, 'enter')]) && before([one(plan, 'enter')], [one(plan, 'clone')]));
      t.is(all(plan, 'ids-root').length, hasUserNamespace ? 1 : 0);
    }
    t.true(isSafe(copyOnHost(end)));
  }
});

test('a stopped container has the root of its start, and nothing of the host is touched but that', (t) => {
  let tried = 0;
  forAllPlans((plan, { config }) => {
    const started = decodePlan(encodePlan(plan));
    if (isInMemory(started)) return true;
    tried += 1;
    return ENDS.every((end) => {
      const copy = copyInStopped(started, end);
      const isUser = config.linux.namespaces.some(({ type }) => type === 'user');
      const kept = ['propagation', 'userns', 'staging', 'overlay', 'join-userns', 'root'] as const;
      const opened = copy.steps.filter((step) => isOp(step, 'open'));
      return (
        isSafe(copy) &&
        kept.every((op) => all(copy, op).length === all(plan, op).length) &&
        all(copy, 'ids-root').length === (isUser ? 1 : 0) &&
        before(all(copy, 'overlay', 'bind-source'), [...all(copy, 'join-userns'), one(copy, 'clone')]) &&
        opened.every(({ operands }) => !operands.path.includes('cgroup'))
      );
    });
  });
  t.true(tried >= 100);
});

test('what a start says of its root', (t) => {
  const seen = { memory: 0, readOnly: 0 };
  forAllPlans((plan, { config }) => {
    const started = decodePlan(encodePlan(plan));
    seen.memory += isInMemory(started) ? 1 : 0;
    seen.readOnly += isReadOnly(started) ? 1 : 0;
    return isReadOnly(started) === config.root.readonly;
  });
  t.true(seen.memory > 0 && seen.readOnly > 0);
});
