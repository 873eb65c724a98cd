import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { openRoot } from '../../plan/rootfs.js';
import { isOp, step } from '../../plan/step.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { type DefaultContainer, defaultContainer, emptyRoot, onlyMounts } from '../layouts.js';
import { note } from '../probe-plan.js';

const OWN = ['staging', 'mount'] as const;
const NAMESPACES = (CLONE_FLAGS.mount | CLONE_FLAGS.pid | CLONE_FLAGS.ipc | CLONE_FLAGS.network) >>> 0;

export const filesystems: Check = {
  id: 'filesystems',
  group: 'kernel',
  title: 'the file systems of a container',
  proves:
    'In namespaces of its own the first process mounts what every container has: proc, tmpfs, devpts, mqueue, sysfs and the cgroups of this machine. What fails is left out and the rest tried again.',
  why: 'Programs look for processes in /proc, for terminals in /dev/pts, for shared memory in /dev/shm and for their own limits in /sys/fs/cgroup.',
  repair:
    'Use a kernel that has the file system: one of the distribution. Inside another container a security module or a filter may forbid mounting.',
  needsRoot: true,
  run: async (context) => {
    let container = defaultContainer(context, { userns: 'host' });
    const findings: Finding[] = [];
    for (;;) {
      const failed = await mount(container, context);
      if (failed.ok) break;
      const elsewhere = toldElsewhere(failed, 'filesystems', OWN);
      if (elsewhere) return [...findings, elsewhere];
      findings.push(tell(failed));
      const left = without(container, failed);
      if (left === undefined) break;
      container = left;
    }
    const types = new Set(container.config.mounts.map(({ type }) => type));
    return findings.length > 0 ? findings : [{ verdict: 'pass', observed: `all file systems: ${[...types].join(', ')}` }];
  },
};

function mount(container: DefaultContainer, { probe }: Context): ReturnType<Context['probe']> {
  const { config, layout } = container;
  return probe({
    stage: emptyRoot(container),
    namespaces: NAMESPACES,
    init: [step('unshare', 'init', { namespaces: CLONE_FLAGS.cgroup }, note), ...openRoot(layout), ...mountAll(config, layout)],
  });
}

/** The container without the mount that failed, as far as it can be told. */
function without(container: DefaultContainer, { step: failed }: ProbeFailure): DefaultContainer | undefined {
  if (!isOp(failed, 'mount')) return undefined;
  const { target } = failed.operands;
  const holding = container.config.mounts.filter(({ destination }) => `${target}/`.startsWith(`${destination}/`));
  const [gone] = holding.sort((one, other) => other.destination.length - one.destination.length);
  return gone && onlyMounts(container, (destination) => destination !== gone.destination);
}

function tell(failed: ProbeFailure): Finding {
  const { step: refused } = failed;
  const what = isOp(refused, 'mount') ? `${refused.operands.type} at ${refused.operands.target}` : 'tmpfs';
  return {
    verdict: 'fail',
    observed: `${what} cannot be mounted: ${failed.reason}`,
    expected: 'a file system of its own',
    cost: 'no container can be started',
    fix: {
      advice:
        failed.code === 'ENODEV'
          ? 'boot a kernel of your distribution that has it: grep . /proc/filesystems'
          : 'run crt as root of the host, not inside another container; a security module may forbid it: dmesg | grep -i -E "apparmor|avc"',
    },
  };
}
