import { maskAll, stageMasks } from '../../plan/masks.js';
import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { openRoot } from '../../plan/rootfs.js';
import { isOp } from '../../plan/step.js';
import type { Check, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer, emptyRoot, onlyMounts } from '../layouts.js';

export const masks: Check = {
  id: 'masks',
  group: 'isolation',
  title: 'masks over /proc and /sys',
  proves:
    "In a proc and a sysfs of its own a process covers what tells too much of the host with the host's /dev/null and an empty folder, and makes knobs read-only.",
  why: 'No namespace has a /proc/kcore, /proc/keys or /proc/sysrq-trigger of its own: they show, or stop, the host.',
  repair: "The host's /dev/null must be the null device. If another program has put a file in its place, make it anew.",
  needsRoot: true,
  run: async (context) => {
    const container = defaultContainer(context, { userns: 'host' });
    const { config, layout } = onlyMounts(container, (destination) => destination === '/proc' || destination === '/sys');
    const failed = await context.probe({
      stage: [...emptyRoot(container), ...stageMasks(config, layout)],
      namespaces: (CLONE_FLAGS.mount | CLONE_FLAGS.pid | CLONE_FLAGS.network) >>> 0,
      init: [...openRoot(layout), ...mountAll(config, layout), ...maskAll(config, layout)],
    });
    const { maskedPaths = [], readonlyPaths = [] } = config.linux;
    if (failed.ok)
      return [
        { verdict: 'pass', observed: `/proc and /sys are masked: ${maskedPaths.length} masks, ${readonlyPaths.length} read-only paths` },
      ];
    return [toldElsewhere(failed, 'masks') ?? tell(failed)];
  },
};

function tell(failed: ProbeFailure): Finding {
  const { step } = failed;
  const place = isOp(step, 'mask') || isOp(step, 'readonly') ? step.operands.target : '/dev/null';
  // The helper's word for a /dev/null that is none (helper/op-mount.c).
  const isNull = place === '/dev/null' || failed.code === 'ENODEV';
  return {
    verdict: 'fail',
    observed: isNull ? `/dev/null of the host is not the null device: ${failed.reason}` : `${place} cannot be covered: ${failed.reason}`,
    expected: isNull ? 'a character device, 1:3' : 'a mask',
    cost: 'no container can be started but with --security-opt unmask=ALL, which shows these files of the host',
    fix: isNull
      ? { commands: ['rm -f /dev/null', 'mknod -m 666 /dev/null c 1 3'] }
      : { advice: 'run crt as root of the host, not inside another container' },
  };
}
