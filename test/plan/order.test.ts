import test from 'ava';
import { CLONE_FLAGS } from '../../src/plan/numbers.js';
import type { OpName } from '../../src/plan/ops.js';
import { isOp, type Plan, type Step } from '../../src/plan/step.js';
import { forAllPlans } from './configs.js';
import { all, before, has, INSIDE, law, MOUNTS, one } from './laws.js';

/*
 * The order laws of docs/plan.md. Each holds of every plan: they are tried on plans compiled from generated configs, and
 * a law about steps that a config may not ask for is also shown to have met them (`met`).
 */

law('the undo for an orphan is known first', (plan) => one(plan, 'on-orphan') === 0);

law('propagation before any mount', (plan) => before([one(plan, 'propagation')], all(plan, ...MOUNTS)));

/** Where the supervisor is told what was found, and where its judgement is waited for. */
const checked = (plan: Plan): [number, number] => [
  plan.steps.findIndex((step) => isOp(step, 'report') && step.operands.reason === 'checked'),
  all(plan, 'await')[0] ?? -1,
];
law('nothing on the host is touched before the supervisor has judged the probe', (plan) => {
  const [told, judged] = checked(plan);
  const harmless: readonly OpName[] = ['on-orphan', 'pipes', 'stage', 'propagation', 'open', 'probe', 'report', 'userns', 'unshare'];
  return (
    before(all(plan, 'probe'), [told]) &&
    told < judged &&
    plan.steps.slice(0, judged).every(({ op, flags }) => harmless.includes(op) && flags.length === 0)
  );
});

law('what the supervisor makes is waited for before it is used: folder and layer, then the cgroups', (plan) => {
  const [folder = -1, cgroups = -1] = all(plan, 'await');
  const slots = plan.steps.map((step) =>
    isOp(step, 'cgroup-join') ? step.operands.tasks : isOp(step, 'clone') || isOp(step, 'device-filter') ? step.operands.cgroup : undefined,
  );
  const opens = plan.steps.flatMap((step, index) => (isOp(step, 'open') && slots.includes(step.operands.fd) ? [index] : []));
  return before([folder], all(plan, 'staging')) && folder < cgroups && before([cgroups], opens);
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

const mapped = (plan: Plan): number[] =>
  plan.steps.flatMap((step, index) => (isOp(step, 'bind-source') && step.operands.idmap !== undefined ? [index] : []));
law(
  'the user namespace before what it maps, all of that before it is joined, ids 0 before the clone',
  (plan) => {
    if (!has('userns')(plan)) return true;
    const [made, joined, root, born] = [one(plan, 'userns'), one(plan, 'join-userns'), one(plan, 'ids-root'), one(plan, 'clone')];
    const others = plan.steps.flatMap(({ actor, op }, index) =>
      actor === 'stage' && !['join-userns', 'ids-root', 'clone'].includes(op) ? [index] : [],
    );
    return (
      checked(plan)[0] < made &&
      made < checked(plan)[1] &&
      before([made], all(plan, 'staging')) &&
      before(others, [joined]) &&
      joined < root &&
      root + 1 === born
    );
  },
  has('userns'),
);
test('with a user namespace the ids of the rootfs are mapped, and of the binds that ask for it; nobody makes nodes inside', (t) => {
  let met = 0;
  forAllPlans((plan, { config }) => {
    if (!has('userns')(plan)) return true;
    const targets = plan.steps.flatMap((step) => (isOp(step, 'bind-source') && step.operands.idmap ? [String(step.operands.target)] : []));
    const asked = config.mounts.flatMap(({ options = [] }, index) => (options.includes('ridmap') ? [`/run/crt/box/bind-${index}`] : []));
    met += asked.length;
    const rest = targets.filter((target) => !asked.includes(target));
    return (
      asked.every((target) => targets.includes(target)) &&
      rest.length === 1 &&
      /\/(root|lower)$/.test(rest[0] ?? '') &&
      all(plan, 'device').length === 0
    );
  });
  t.true(met >= 10);
});
law(
  'without a user namespace nothing is mapped or joined',
  (plan) => has('userns')(plan) || (mapped(plan).length === 0 && all(plan, 'join-userns', 'ids-root', 'node').length === 0),
  (plan) => !has('userns')(plan),
);
test('each namespace is made once; those that need no cgroup and no layer while the supervisor makes these', (t) => {
  const early = ['ipc', 'net', 'user', 'uts'];
  forAllPlans((plan, { config }) => {
    const asked = config.linux.namespaces.map(({ type }) => type.replace('network', 'net'));
    const made = plan.steps.map((step): string[] => {
      if (isOp(step, 'userns')) return ['user', ...['net', 'uts', 'ipc'].filter((slot) => slot in step.operands)];
      if (!isOp(step, 'unshare') && !isOp(step, 'clone')) return [];
      const names = Object.entries(CLONE_FLAGS).filter(([, bit]) => (BigInt(step.operands.namespaces) & BigInt(bit)) !== 0n);
      return names.map(([name]) => name.replace('network', 'net'));
    });
    const soon = made.slice(...checked(plan)).flat();
    t.deepEqual(soon.sort(), asked.filter((kind) => early.includes(kind)).sort());
    t.deepEqual(made.flat().sort(), asked.sort());
    return true;
  });
});
law('init is not born with a user namespace: it is born in one', (plan) =>
  plan.steps.every((step) => !isOp(step, 'clone') || (BigInt(step.operands.namespaces) & BigInt(CLONE_FLAGS.user)) === 0n),
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
    const dev = plan.steps.findIndex((step) => (isOp(step, 'mount') || isOp(step, 'bind')) && step.operands.target === '/dev');
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
  (plan) => before(all(plan, 'sysctl'), all(plan, 'mask', 'readonly')),
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
    const enters = all(plan, 'unshare').filter((index) => plan.steps[index]?.actor === 'init');
    // Nothing between the clone and the join but the parent-death signal.
    return joins.every((join, at) => join === clone + 2 + at) && before(joins, enters) && before(enters, shows) && before(joins, shows);
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

law(
  "on version 2 the device filter is attached to the container's cgroup, with the host's rights, before init is there",
  (plan) =>
    all(plan, 'device-filter').every((at, index) => {
      const [open, filter] = [plan.steps[at - 1], plan.steps[at]];
      if (!filter || !isOp(filter, 'device-filter') || !open || !isOp(open, 'open') || index > 0) return false;
      return open.operands.fd === filter.operands.cgroup && before([at], all(plan, 'join-userns', 'clone', 'cgroup-join'));
    }),
  has('device-filter'),
);

law(
  'on version 1 init is in the cgroup of the device filter before it makes or opens a device',
  (plan) => {
    const joins = plan.steps.flatMap((step, index) =>
      isOp(step, 'cgroup-join') && step.operands.tasks === 'cgroup-devices' ? [index] : [],
    );
    return before(joins, all(plan, 'device', 'stdio', 'console', 'mount', 'bind'));
  },
  (plan) => plan.steps.some((step) => isOp(step, 'cgroup-join') && step.operands.tasks === 'cgroup-devices'),
);

law('the cgroup namespace is never cloned, but unshared inside', (plan) =>
  plan.steps.every((step) => !isOp(step, 'clone') || (BigInt(step.operands.namespaces) & BigInt(CLONE_FLAGS.cgroup)) === 0n),
);
