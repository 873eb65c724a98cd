import test from 'ava';
import type { OpName } from '../../src/plan/ops.js';
import type { Plan } from '../../src/plan/step.js';
import { forAllPlans } from './configs.js';

export const all = (plan: Plan, ...ops: readonly OpName[]): number[] =>
  plan.steps.flatMap((step, index) => (ops.includes(step.op) ? [index] : []));
export const one = (plan: Plan, op: OpName): number => {
  const found = all(plan, op);
  if (found.length !== 1) throw new Error(`${found.length} steps ${op}`);
  return found[0] ?? -1;
};
export const before = (first: readonly number[], second: readonly number[]): boolean => first.every((a) => second.every((b) => a < b));

/** Everything that puts something into a mount tree. */
export const MOUNTS: readonly OpName[] = ['staging', 'bind-source', 'overlay', 'file', 'mount', 'bind'];
/** Everything that looks up a path of the container. */
export const INSIDE: readonly OpName[] = [
  'mount',
  'bind',
  'device',
  'symlink',
  'mask',
  'readonly',
  'sysctl',
  'console',
  'user',
  'cwd',
  'remount',
  'pivot',
];

/** @param met whether a plan has what the law is about. @param only the law holds of these plans alone. */
export function law(
  title: string,
  holds: (plan: Plan) => boolean,
  met: (plan: Plan) => boolean = () => true,
  only: (plan: Plan) => boolean = () => true,
): void {
  test(title, (t) => {
    let meetings = 0;
    forAllPlans((plan) => {
      if (met(plan)) meetings += 1;
      return !only(plan) || holds(plan);
    });
    t.true(meetings >= 10, `only ${meetings} plans had what the law is about`);
  });
}
export const has =
  (...ops: readonly OpName[]) =>
  (plan: Plan): boolean =>
    ops.every((op) => all(plan, op).length > 0);
