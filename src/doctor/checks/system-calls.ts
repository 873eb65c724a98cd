import { readFileSync } from 'node:fs';
import { startTime } from '../../host/process.js';
import { helperVerbs } from '../../launch/verbs.js';
import { O_PATH } from '../../plan/numbers.js';
import { openRoot, pivot } from '../../plan/rootfs.js';
import { type Step, step, toContainerPath, toHostPath } from '../../plan/step.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer, emptyRoot } from '../layouts.js';
import { note } from '../probe-plan.js';

/** What each step of the probe calls first, in the order in which they are made. */
const CALLS = {
  stage: 'clone3(2)',
  propagation: 'mount_setattr(2)',
  staging: 'fsopen(2), fsconfig(2), fsmount(2) and move_mount(2)',
  'bind-source': 'open_tree(2)',
  clone: 'clone3(2)',
  rlimit: 'prlimit(2)',
  cwd: 'openat2(2)',
  root: 'open_tree(2)',
  pivot: 'pivot_root(2)',
  'close-fds': 'close_range(2)',
} as const;

export const systemCalls: Check = {
  id: 'system-calls',
  group: 'kernel',
  title: 'the system calls that crt makes',
  proves:
    'A small plan makes each newer call once and uses what it answers: clone3(2) with a pidfd, mount_setattr(2), fsopen(2), fsconfig(2), fsmount(2), move_mount(2), open_tree(2), openat2(2), close_range(2), pivot_root(2), prlimit(2), pidfd_open(2), pidfd_send_signal(2).',
  why: 'They came between Linux 5.2 and 5.12. Mounts by descriptor and paths that cannot leave the root are how a hostile image is kept inside; there is no other way in crt.',
  repair:
    'On a kernel that is new enough a filter around crt refuses them: crt runs inside another container, whose seccomp profile must allow them, or a service with SystemCallFilter=.',
  needsRoot: true,
  run: async (context) => {
    const failed = await context.probe(steps(context));
    if (!failed.ok) return [toldElsewhere(failed, 'system-calls', ['staging', 'cwd']) ?? told(failed)];
    // pidfd_open(2) and pidfd_send_signal(2), by the verb that `crt rm` uses. Signal 0 is only asked whether it could be sent.
    helperVerbs().signal(process.pid, startTime(process.pid) ?? 0, 0);
    return [
      {
        verdict: 'pass',
        observed: `all system calls: ${[...new Set(Object.values(CALLS))].join(', ')}, pidfd_open(2), pidfd_send_signal(2)`,
      },
    ];
  },
};

function steps(context: Context): { stage: Step[]; init: Step[] } {
  const container = defaultContainer(context, { userns: 'host' });
  const { layout } = container;
  const source = toHostPath(`${layout.staging}/root`);
  return {
    stage: [
      ...emptyRoot(container),
      step('bind-source', 'stage', { source, target: toHostPath(`${layout.staging}/copy`), attrs: 0 }, note),
      step('open', 'stage', { fd: 'top', path: toHostPath('/'), flags: O_PATH }, note),
    ],
    init: [
      // It must keep what it has: RLIMIT_CORE, as `run` sets it.
      step('rlimit', 'monitor', { resource: 4, soft: 0, hard: 0 }, note),
      step('cwd', 'init', { root: 'top', directory: toContainerPath('/') }, note),
      ...openRoot(layout),
      ...pivot({ ...layout, cgroup: { ...layout.cgroup, seal: () => [] } }),
      step('close-fds', 'init', {}, note),
    ],
  };
}

function told(failed: ProbeFailure): Finding {
  const call = Object.entries(CALLS).find(([op]) => op === failed.op)?.[1] ?? `what the step ${failed.op} calls`;
  return {
    verdict: 'fail',
    observed: `${call} cannot be used: ${failed.reason}${isFiltered() ? '; a seccomp filter lies around crt' : ''}`,
    expected: 'a kernel from 5.12 on, and nothing around crt that filters its system calls',
    cost: 'no container can be started',
    fix: {
      advice:
        failed.code === 'ENOSYS' && !isFiltered()
          ? 'boot a newer kernel of your distribution'
          : 'let the outer container or service allow it: docker run --security-opt seccomp=unconfined …, or no SystemCallFilter= in its unit',
    },
  };
}

/** proc_pid_status(5): a hint only. */
function isFiltered(): boolean {
  return /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8'));
}
