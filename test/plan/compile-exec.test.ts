import test from 'ava';
import { compileExec, type ExecTarget } from '../../src/plan/compile-exec.js';
import { decodePlan, planProblem } from '../../src/plan/decode.js';
import { encodePlan } from '../../src/plan/encode.js';
import { CLONE_FLAGS } from '../../src/plan/numbers.js';
import type { OpName } from '../../src/plan/ops.js';
import { isOp, type Plan, toHostPath } from '../../src/plan/step.js';
import type { Config } from '../../src/spec/types.js';
import { forAllPlans } from './configs.js';
import { all, before, one } from './laws.js';

/** A further command in the container that a config makes. */
function plansOf(config: Config, started: Plan, cgroupVersion: 1 | 2): { plan: Plan; target: ExecTarget; further: Config } {
  const target: ExecTarget = {
    pid: 4711,
    startTime: 123_456,
    started: decodePlan(encodePlan(started)),
    cgroups: cgroupVersion === 1 ? ['/cg/memory/box', '/cg/pids/box'].map(toHostPath) : [toHostPath('/cg/crt/box')],
    cgroupVersion,
  };
  const further = { ...config, process: { ...config.process, args: ['sh', '-c', ':'], cwd: '/elsewhere', env: ['A=1'] } };
  return { plan: compileExec(further, target), target, further };
}

/** @param holds a law of every plan of a further command. */
function law(title: string, holds: (plan: Plan, further: Config, target: ExecTarget, started: Plan) => boolean): void {
  test(title, (t) => {
    let tried = 0;
    forAllPlans((started, { config }) => {
      return ([1, 2] as const).every((version) => {
        const { plan, target, further } = plansOf(config, started, version);
        tried += 1;
        return holds(plan, further, target, started);
      });
    });
    t.true(tried >= 100);
  });
}

law('the loader takes it', (plan) => planProblem(encodePlan(plan)) === undefined);

law('cgroups are opened, then the container is made sure of, then it is entered; no path of the host comes after', (plan) => {
  const [target, entered] = [one(plan, 'target'), all(plan, 'enter')[0] ?? -1];
  return before(all(plan, 'open', 'oom-score'), [target]) && target < entered;
});

law('all namespaces of the config are joined, and no other; ids 0 before the child is born', (plan, { linux }) => {
  const joined = plan.steps.filter((step) => isOp(step, 'enter')).reduce((bits, step) => bits | Number(step.operands.namespaces), 0);
  const wanted = linux.namespaces.reduce((bits, { type }) => bits | CLONE_FLAGS[type], 0);
  const isUser = linux.namespaces.some(({ type }) => type === 'user');
  const ids = all(plan, 'ids-root');
  return (
    joined === wanted && ids.length === (isUser ? 1 : 0) && before(all(plan, 'enter').slice(0, 1), ids) && before(ids, [one(plan, 'clone')])
  );
});

law('the child is bound to the monitor, then in its cgroups, before anything else', (plan, { linux }, { cgroups, cgroupVersion }) => {
  const clone = one(plan, 'clone');
  const born = plan.steps[clone];
  const isUser = linux.namespaces.some(({ type }) => type === 'user');
  if (plan.steps[clone + 1]?.op !== 'parent-death' || born === undefined || !isOp(born, 'clone')) return false;
  if (cgroupVersion === 2 && !isUser) return born.operands.cgroup !== undefined && all(plan, 'cgroup-join').length === 0;
  return cgroups.every((_, at) => plan.steps[clone + 2 + at]?.op === 'cgroup-join');
});

/** What is made once for a container, or waited for by the supervisor of a start. */
const ONCE: readonly OpName[] = ['remount', 'report', 'await'];
/** Operands of the command itself. */
const ITS_OWN: readonly OpName[] = ['cwd', 'exec'];

law('from the keyring on it is confined by the steps of the start, in their order, with their operands', (plan, _, __, started) => {
  const wanted = started.steps.slice(one(started, 'keyring')).filter(({ op }) => !ONCE.includes(op));
  const got = plan.steps.slice(one(plan, 'keyring'));
  const text = (steps: Plan['steps']): string =>
    JSON.stringify(
      steps.map(({ op, actor, operands }) => [
        op,
        actor,
        ITS_OWN.includes(op) ? '' : Object.entries(operands as object).filter(([, value]) => value !== undefined),
      ]),
      (_key, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
  return text(got) === text(wanted);
});

law('the command and its place are what was asked for, and no folder is made for it', (plan) =>
  plan.steps.every((step) => {
    if (isOp(step, 'cwd')) return step.operands.directory === '/elsewhere' && step.flags.length === 0;
    return (
      !isOp(step, 'exec') || (step.operands.argv.join() === 'sh,-c,:' && step.operands.env.join() === 'A=1' && step.operands.reaper === 0)
    );
  }),
);

law(
  '/dev/console stays as it is, and nothing is mounted',
  (plan) =>
    plan.steps.every((step) => !isOp(step, 'console') || step.operands.bind === 0) &&
    all(plan, 'mount', 'bind', 'mask', 'readonly', 'pivot', 'remount', 'root', 'overlay', 'staging', 'device', 'sysctl').length === 0,
);

test('a start without a step that confines is not believed', (t) => {
  let tried = 0;
  forAllPlans((started, { config }) => {
    for (const op of [
      'bounding',
      'identity',
      'caps',
      'close-fds',
      'signals',
      ...(config.process.noNewPrivileges ? ['no-new-privs'] : []),
    ]) {
      const { target, further } = plansOf(config, started, 1);
      const less = { ...target, started: target.started.filter((done) => done.op !== op) };
      if (!throws(() => compileExec(further, less))) return false;
      tried += 1;
    }
    return true;
  });
  t.true(tried > 100);
});

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    return error instanceof TypeError;
  }
}
