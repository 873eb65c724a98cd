import test from 'ava';
import { CLONE_FLAGS } from '../../src/plan/numbers.js';
import type { OpName } from '../../src/plan/ops.js';
import { isOp, type Plan, type Step } from '../../src/plan/step.js';
import { capabilityMask } from '../../src/spec/capabilities.js';
import { forAllPlans } from './configs.js';

/*
 * The order laws of docs/plan.md. Each holds of every plan: they are tried on plans compiled from generated configs, and
 * a law about steps that a config may not ask for is also shown to have met them (`met`).
 */

const all = (plan: Plan, ...ops: readonly OpName[]): number[] =>
  plan.steps.flatMap((step, index) => (ops.includes(step.op) ? [index] : []));
const one = (plan: Plan, op: OpName): number => {
  const found = all(plan, op);
  if (found.length !== 1) throw new Error(`${found.length} steps ${op}`);
  return found[0] ?? -1;
};
const before = (first: readonly number[], second: readonly number[]): boolean => first.every((a) => second.every((b) => a < b));

/** Everything that puts something into a mount tree. */
const MOUNTS: readonly OpName[] = ['staging', 'bind-source', 'overlay', 'file', 'mount', 'bind'];
/** Everything that looks up a path of the container. */
const INSIDE: readonly OpName[] = [
  'mount',
  'bind',
  'device',
  'symlink',
  'mask',
  'readonly',
  'sysctl',
  'oom-score',
  'console',
  'user',
  'cwd',
  'remount',
  'pivot',
];

/** @param met whether a plan has what the law is about. @param only the law holds of these plans alone. */
function law(
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
const has =
  (...ops: readonly OpName[]) =>
  (plan: Plan): boolean =>
    ops.every((op) => all(plan, op).length > 0);

law('the undo for an orphan is known first', (plan) => one(plan, 'on-orphan') === 0);

law('propagation before any mount', (plan) => before([one(plan, 'propagation')], all(plan, ...MOUNTS)));

law('nothing on the host is touched before the supervisor has judged the probe', (plan) => {
  const judged = plan.steps.findIndex((step) => isOp(step, 'yield') && step.operands.reason === 'checked');
  const harmless: readonly OpName[] = ['on-orphan', 'pipes', 'stage', 'propagation', 'open', 'probe'];
  return one(plan, 'probe') < judged && plan.steps.slice(0, judged).every(({ op, flags }) => harmless.includes(op) && flags.length === 0);
});

law('host-side opens and sources before the clone, all else of init after it', (plan) => {
  const clone = one(plan, 'clone');
  return plan.steps.every(({ actor }, index) => (actor === 'stage' ? index <= clone : actor === 'init' ? index > clone : true));
});

law('a host path that init is given lies in the staging area', (plan) =>
  plan.steps.every((step) => {
    const operands = step.operands as Record<string, unknown>;
    const paths =
      step.op === 'root'
        ? [operands['path']]
        : step.op === 'bind'
          ? [operands['source']]
          : step.op === 'mask'
            ? [operands['file'], operands['directory']]
            : [];
    return step.actor !== 'init' || paths.every((path) => String(path).startsWith('/run/crt/box/'));
  }),
);

law('the root is opened before any path of the container', (plan) => before([one(plan, 'root')], all(plan, ...INSIDE)));

test('mounts are made in the order of the config', (t) => {
  let mounted = 0;
  forAllPlans((plan, { config, layout }) => {
    const own = new Set(layout.cgroup.mounts('root').map((step) => (isOp(step, 'mount') ? step.operands.target : '')));
    const provided = new Set<string>(layout.files.map(({ target }) => target));
    const made = plan.steps.flatMap((step) => (isOp(step, 'mount') || isOp(step, 'bind') ? [step.operands.target as string] : []));
    const asked = config.mounts.filter(({ type }) => type !== 'cgroup').map(({ destination }) => destination);
    const others = made.filter((target) => !own.has(target as never) && (asked.includes(target) || !provided.has(target)));
    mounted += asked.length;
    return JSON.stringify(others) === JSON.stringify(asked);
  });
  t.true(mounted > 500);
});

law(
  '/dev before the devices, the devices before the console',
  (plan) => {
    const dev = plan.steps.findIndex((step) => isOp(step, 'mount') && step.operands.target === '/dev');
    const devices = plan.steps.flatMap((step, index) =>
      isOp(step, 'device') || (isOp(step, 'symlink') && step.operands.target.startsWith('/dev/')) ? [index] : [],
    );
    return before([dev], devices) && (devices.length === 0 || dev >= 0) && before(devices, all(plan, 'console'));
  },
  has('device', 'console'),
);

law(
  'masks and read-only paths after all mounts',
  (plan) => before(all(plan, ...MOUNTS), all(plan, 'mask', 'readonly')),
  has('mask', 'readonly'),
);

law(
  'what is written to procfs is written before the masks',
  (plan) => before(all(plan, 'sysctl', 'oom-score'), all(plan, 'mask', 'readonly')),
  has('sysctl', 'mask'),
);

const isRootRemount = (step: Step): boolean => isOp(step, 'remount') && step.operands.target === '/';
law(
  'the root becomes read-only last: after all that is made in it',
  (plan) => {
    const remounts = plan.steps.flatMap((step, index) => (isRootRemount(step) ? [index] : []));
    return (
      before(all(plan, ...INSIDE.filter((op) => op !== 'remount')), remounts) &&
      before(
        plan.steps.flatMap((step, index) => (isOp(step, 'remount') && !isRootRemount(step) ? [index] : [])),
        remounts,
      )
    );
  },
  (plan) => plan.steps.some(isRootRemount),
);

law(
  'in its cgroup right after the clone, before the cgroup namespace, before the cgroup mounts',
  (plan) => {
    const joins = all(plan, 'cgroup-join');
    const shows = plan.steps.flatMap((step, index) => (isOp(step, 'mount') && step.operands.type.startsWith('cgroup') ? [index] : []));
    const clone = one(plan, 'clone');
    // Nothing between the clone and the join but the parent-death signal.
    return (
      joins.every((join, at) => join === clone + 2 + at) &&
      before(joins, all(plan, 'unshare')) &&
      before(all(plan, 'unshare'), shows) &&
      before(joins, shows)
    );
  },
  has('cgroup-join', 'unshare', 'mount'),
);

law(
  'on version 2 init is born in its cgroup, which is opened before',
  (plan) => {
    const clone = plan.steps[one(plan, 'clone')];
    if (!clone || !isOp(clone, 'clone')) return false;
    const opened = plan.steps.findIndex((step) => isOp(step, 'open') && step.operands.fd === clone.operands.cgroup);
    return clone.operands.cgroup === undefined || (opened >= 0 && opened < one(plan, 'clone'));
  },
  (plan) => plan.steps.some((step) => isOp(step, 'clone') && step.operands.cgroup !== undefined),
);

law('the cgroup namespace is never cloned, but unshared inside', (plan) =>
  plan.steps.every((step) => !isOp(step, 'clone') || (BigInt(step.operands.namespaces) & BigInt(CLONE_FLAGS.cgroup)) === 0n),
);

law('a session of its own before the console', (plan) => before([one(plan, 'session')], all(plan, 'console')), has('console'));
law('the user, who owns the terminal, before the console', (plan) => before([one(plan, 'user')], all(plan, 'console')), has('console'));
law(
  'the relay right after the console',
  (plan) =>
    all(plan, 'console').every((at) => plan.steps[at + 1]?.op === 'relay') && all(plan, 'relay').length === all(plan, 'console').length,
  has('console'),
);

law('one pivot, after all mounts, devices and masks', (plan) =>
  before(all(plan, ...MOUNTS, 'device', 'symlink', 'mask', 'readonly', 'console', 'sysctl', 'oom-score', 'user'), [one(plan, 'pivot')]),
);

law(
  'names after the UTS namespace is made',
  (plan) => before([one(plan, 'clone')], all(plan, 'hostname', 'domainname')),
  has('hostname', 'domainname'),
);

law('limits before the ids', (plan) => before(all(plan, 'rlimit'), [one(plan, 'identity')]), has('rlimit'));
law('a keyring of its own', (plan) => one(plan, 'keyring') < one(plan, 'identity'));
law(
  'bounding set before the ids, capabilities after them',
  (plan) => one(plan, 'bounding') < one(plan, 'identity') && before([one(plan, 'identity')], all(plan, 'caps')) && has('caps')(plan),
);

law('the parent-death signal first, and again after the ids', (plan) => {
  const [first, second, ...more] = all(plan, 'parent-death');
  return first === one(plan, 'clone') + 1 && second === one(plan, 'identity') + 1 && more.length === 0;
});

law(
  'capabilities before no_new_privs before the filter before exec',
  (plan) =>
    before([one(plan, 'caps')], all(plan, 'no-new-privs')) &&
    before(all(plan, 'no-new-privs'), [one(plan, 'seccomp')]) &&
    one(plan, 'seccomp') < one(plan, 'exec'),
  // A law of plans with no_new_privs; the next one is of those without.
  has('no-new-privs'),
  has('no-new-privs'),
);

law(
  'without no_new_privs: ids and parent-death, CAP_SYS_ADMIN for the filter, the filter, the final capabilities, exec',
  (plan) => {
    const [first = -1, last = -1, ...more] = all(plan, 'caps');
    const filter = one(plan, 'seccomp');
    const raise = plan.steps[first];
    const held = raise !== undefined && isOp(raise, 'caps') ? BigInt(raise.operands.permitted) : 0n;
    return (
      more.length === 0 &&
      before([one(plan, 'identity'), ...all(plan, 'parent-death')], [first]) &&
      first < filter &&
      filter < last &&
      last < one(plan, 'exec') &&
      (held & capabilityMask(['CAP_SYS_ADMIN'])) !== 0n
    );
  },
  (plan) => !has('no-new-privs')(plan),
  (plan) => !has('no-new-privs')(plan),
);

test('the last capabilities are those of the config, whatever the filter took', (t) => {
  forAllPlans((plan, { config }) => {
    const last = plan.steps[all(plan, 'caps').at(-1) ?? -1];
    const { permitted = [], inheritable = [], ambient = [] } = config.process.capabilities ?? {};
    if (!last || !isOp(last, 'caps')) return false;
    const sets = [last.operands.permitted, last.operands.inheritable, last.operands.ambient];
    return [permitted, inheritable, ambient].every((names, at) => sets[at] === capabilityMask(names));
  });
  t.pass();
});

law(
  'the label of the next exec right before the filter, after the ids and the pivot, AppArmor before SELinux',
  (plan) => {
    const labels = all(plan, 'exec-label');
    const filter = one(plan, 'seccomp');
    return (
      labels.every((at, index) => at === filter - labels.length + index) &&
      before([one(plan, 'pivot'), one(plan, 'identity'), ...all(plan, 'no-new-privs')], labels)
    );
  },
  has('exec-label'),
);

law(
  'descriptors are closed right before exec, which is last',
  (plan) => one(plan, 'exec') === plan.steps.length - 1 && one(plan, 'close-fds') === plan.steps.length - 2,
);

law(
  'the last wait for the supervisor is after everything that confines',
  (plan) => {
    const ready = plan.steps.flatMap((step, index) => (isOp(step, 'yield') && step.operands.reason === 'ready' ? [index] : []));
    return before(all(plan, 'identity', 'caps', 'no-new-privs', 'exec-label', 'seccomp', 'mask', 'readonly', 'remount', 'rlimit'), ready);
  },
  (plan) => all(plan, 'yield').length === 2,
);
