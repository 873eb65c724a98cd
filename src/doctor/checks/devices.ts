import { makeDevices, stageDev } from '../../plan/devices.js';
import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { openRoot } from '../../plan/rootfs.js';
import type { Check, Context, Finding } from '../check.js';
import { elsewhere, toldElsewhere } from '../finding.js';
import { kernelControllers, mountCommands } from '../kernel-controllers.js';
import { type DefaultContainer, defaultContainer, emptyRoot, onlyMounts } from '../layouts.js';
import { missingRights } from '../rights.js';
import { withCgroup } from '../scratch-cgroup.js';

export const devices: Check = {
  id: 'devices',
  group: 'isolation',
  title: 'devices, and the filter for them',
  proves:
    "The nodes of a container's /dev are made on a file system in memory, and its null device is opened. A scratch cgroup gets the device filter: rules on version 1, a BPF program on version 2.",
  why: 'Programs need /dev/null, /dev/urandom and a few more. The filter keeps disks and memory of the host shut, also for who gets a node of them.',
  repair:
    'Run crt as root of the host: a user namespace may make no device nodes. For the filter mount the devices hierarchy (version 1) or use a kernel with CONFIG_CGROUP_BPF (version 2).',
  needsRoot: true,
  run: async (context) => {
    const container = defaultContainer(context);
    return [...(await makeNodes(container, context)), ...(await filter(container, context))];
  },
};

async function makeNodes(container: DefaultContainer, context: Context): Promise<Finding[]> {
  const { config, layout } = onlyMounts(container, (destination) => destination === '/dev');
  const failed = await context.probe({
    stage: [...emptyRoot(container), ...stageDev(config, layout)],
    namespaces: CLONE_FLAGS.mount,
    init: [...openRoot(layout), ...mountAll(config, layout), ...makeDevices(config)],
  });
  if (failed.ok) return [{ verdict: 'pass', observed: `${config.linux.devices?.length ?? 0} device nodes` }];
  const told = toldElsewhere(failed, 'devices', ['bind']);
  if (told) return [told];
  return [
    {
      verdict: 'fail',
      observed: `${failed.op === 'stdio' ? 'a device node that was made cannot be opened' : 'no device node can be made'}: ${failed.reason}`,
      expected: 'a /dev of its own',
      cost: 'no container can be started',
      fix: { advice: 'run crt as root of the host, not inside another container: its user namespace or device filter is in the way' },
    },
  ];
}

/** In a cgroup of its own, gone when it has been tried. */
async function filter({ layout: { cgroup } }: DefaultContainer, context: Context): Promise<Finding[]> {
  const { mode, hierarchies } = context.facts.cgroup;
  const hasFilter = mode === 'v2' || hierarchies.some(({ controllers }) => controllers.includes('devices'));
  if (!hasFilter) return [noFilter(context.facts)];
  if (missingRights().length > 0) return [elsewhere('capabilities')];
  const failed = await withCgroup(cgroup, () => context.probe({ stage: cgroup.open({ bornInside: true }).steps }));
  if (failed.ok) return [{ verdict: 'pass', observed: 'a device filter' }];
  return [
    toldElsewhere(failed, 'devices') ?? {
      verdict: 'fail',
      observed: `the device filter cannot be put in force: ${failed.reason}`,
      expected: 'a cgroup that says which devices can be opened',
      cost: 'no container can be started',
      fix: { advice: 'use a kernel with CONFIG_CGROUP_BPF; inside another container run crt outside of it' },
    },
  ];
}

function noFilter({ cgroup: { mode }, mounts }: Context['facts']): Finding {
  return {
    verdict: 'warn',
    observed: `no device filter: ${mode === 'none' ? 'no cgroup file system is mounted' : 'the devices hierarchy is not mounted'}`,
    expected: 'a cgroup that says which devices can be opened',
    cost: 'who gets a device node into a container can open it',
    fix: mode === 'none' ? { advice: 'see the check cgroup-mounts' } : { commands: mountCommands('devices', kernelControllers(), mounts) },
  };
}
