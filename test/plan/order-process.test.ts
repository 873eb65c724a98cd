import test from 'ava';
import { isOp } from '../../src/plan/step.js';
import { capabilityMask } from '../../src/spec/capabilities.js';
import { forAllPlans } from './configs.js';
import { all, before, has, law, MOUNTS, one } from './laws.js';

// The order laws of docs/plan.md from the terminal on: the pivot, the limits, the rights and the exec.

law('a session of its own before the console', (plan) => before([one(plan, 'session')], all(plan, 'console')), has('console'));
law('the user, who owns the terminal, before the console', (plan) => before([one(plan, 'user')], all(plan, 'console')), has('console'));
law(
  'the relay right after the console',
  (plan) =>
    all(plan, 'console').every((at) => plan.steps[at + 1]?.op === 'relay') && all(plan, 'relay').length === all(plan, 'console').length,
  has('console'),
);

law('one pivot, after all mounts, devices and masks', (plan) =>
  before(all(plan, ...MOUNTS, 'device', 'symlink', 'mask', 'readonly', 'console', 'sysctl', 'user'), [one(plan, 'pivot')]),
);

law(
  'names after the UTS namespace is made',
  (plan) => before([one(plan, 'clone')], all(plan, 'hostname', 'domainname')),
  has('hostname', 'domainname'),
);

law('limits before the ids, and by the monitor', (plan) => before(all(plan, 'rlimit'), [one(plan, 'identity')]), has('rlimit'));
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
  'the listener after no_new_privs, answered at once, before the filter that may forbid anything',
  (plan) =>
    before(all(plan, 'no-new-privs'), all(plan, 'listener')) &&
    all(plan, 'listener').every((at) => plan.steps[at + 1]?.op === 'answer') &&
    all(plan, 'answer').length === all(plan, 'listener').length &&
    before(all(plan, 'answer'), [...all(plan, 'seccomp'), one(plan, 'close-fds')]),
  has('listener', 'seccomp'),
);

test('a listener only where nothing inside could mount: no_new_privs, and CAP_SYS_ADMIN out of reach', (t) => {
  let listeners = 0;
  forAllPlans((plan, { config }) => {
    const { noNewPrivileges, capabilities } = config.process;
    const wanted = noNewPrivileges === true && !(capabilities?.bounding ?? []).includes('CAP_SYS_ADMIN');
    listeners += all(plan, 'listener').length;
    return all(plan, 'listener').length === (wanted ? 1 : 0);
  });
  t.true(listeners >= 10);
});

law(
  'descriptors are closed before the filter, which may forbid it; exec is last',
  (plan) => one(plan, 'exec') === plan.steps.length - 1 && before([one(plan, 'close-fds')], all(plan, 'seccomp', 'exec-label', 'exec')),
);

law(
  'the last wait for the supervisor is after everything that confines',
  (plan) => {
    const ready = plan.steps.flatMap((step, index) => (isOp(step, 'report') && step.operands.reason === 'ready' ? [index] : []));
    return before(all(plan, 'identity', 'caps', 'no-new-privs', 'exec-label', 'seccomp', 'mask', 'readonly', 'remount', 'rlimit'), ready);
  },
  (plan) => all(plan, 'report').length === 2 && all(plan, 'await').length === 3,
);
