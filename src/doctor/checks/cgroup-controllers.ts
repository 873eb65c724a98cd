import type { ContainerCgroup } from '../../cgroup/container.js';
import { readText } from '../../cgroup/files.js';
import { openCgroup } from '../../cgroup/open.js';
import type { CgroupFacts } from '../../host/facts.js';
import type { Resources } from '../../spec/types.js';
import type { Check, Context, Finding, Fix } from '../check.js';
import { eachOf, elsewhere, toldElsewhere } from '../finding.js';
import { kernelControllers, mountCommands } from '../kernel-controllers.js';
import { aloneIn, CONTROLLERS, type Controller, LIMITS, withCgroup } from '../scratch-cgroup.js';

/** What a machine without the controller cannot do. */
const COSTS: Readonly<Record<Controller, Pick<Finding, 'verdict' | 'cost'>>> = {
  memory: { verdict: 'warn', cost: '--memory is refused: a container can take all memory' },
  pids: { verdict: 'fail', cost: 'each run needs --pids-limit -1: a fork bomb inside takes the machine' },
  cpu: { verdict: 'warn', cost: '--cpus and --cpu-shares are refused' },
  cpuset: { verdict: 'warn', cost: '--cpuset-cpus is refused' },
};

export const cgroupControllers: Check = {
  id: 'cgroup-controllers',
  group: 'cgroup',
  title: 'each controller of control groups',
  proves:
    'For memory, pids, cpu and cpuset: a cgroup is made with that controller alone, by the driver that run uses; a process of the helper joins it; it is removed. The device filter is another check: devices.',
  why: 'A limit is kept by a controller. One that is not mounted, or not handed down to where crt stands, cannot limit anything.',
  repair:
    'Version 1: mount the hierarchy, as the finding shows. Version 2: unmount the version 1 hierarchy that holds the controller, or have it delegated. Where the kernel has it turned off, boot with `cgroup_enable=memory` (a Raspberry Pi needs that).',
  needsRoot: true,
  run: (context) => {
    if (context.facts.cgroup.mode === 'none') return [elsewhere('cgroup-mounts')];
    return eachOf(CONTROLLERS, 'cgroup-controllers', (controller) => tryOne(controller, context));
  },
};

async function tryOne(controller: Controller, context: Context): Promise<Finding> {
  const { facts, name, probe } = context;
  const alone = aloneIn(facts.cgroup, controller);
  if (alone === undefined) return missing(controller, facts);
  const cgroup = openCgroup(alone, name(controller), resourcesOf(controller, alone));
  const probed = await withCgroup(cgroup, () =>
    probe({ stage: cgroup.open({ bornInside: false }).steps, init: cgroup.join({ bornInside: false }) }),
  );
  if (probed.ok) return { verdict: 'pass', observed: `controllers work: ${controller}${where(cgroup)}` };
  return (
    toldElsewhere(probed, 'cgroup-controllers', ['open', 'cgroup-join']) ?? {
      verdict: 'fail',
      observed: `a process cannot join a cgroup of the ${controller} controller: ${probed.op}: ${probed.reason}`,
      expected: 'that the first process of a container can be put there',
      cost: 'no container can be started',
      fix: {
        advice: 'run crt as root of the host; inside another container that one must be given its cgroups writable',
      },
    }
  );
}

function where({ paths }: ContainerCgroup): string {
  const [path] = paths;
  return path === undefined ? '' : ` in ${path.slice(0, path.lastIndexOf('/'))}`;
}

function resourcesOf(controller: Controller, facts: CgroupFacts): Resources {
  if (controller === 'cpuset') return { cpu: { cpus: cpusOf(facts) } };
  return LIMITS[controller];
}

/** Processors that a child may have: those of the top. */
function cpusOf({ mode, hierarchies, unified }: CgroupFacts): string {
  const top = mode === 'v2' ? unified?.mountpoint : hierarchies[0]?.mountpoint;
  return readText(`${top}/cpuset.cpus`) || readText(`${top}/cpuset.cpus.effective`) || '0';
}

function missing(controller: Controller, { cgroup, mounts }: Context['facts']): Finding {
  const { mode, unified } = cgroup;
  return {
    ...COSTS[controller],
    observed:
      mode === 'v2'
        ? `the cgroups at ${unified?.mountpoint} have no ${controller} controller`
        : `no cgroup with the ${controller} controller is mounted`,
    expected: `the ${controller} controller`,
    fix: fixOf(controller, mode, mounts),
  };
}

function fixOf(controller: Controller, mode: CgroupFacts['mode'], mounts: Context['facts']['mounts']): Fix {
  const controllers = kernelControllers();
  const known = controllers.get(controller);
  if (known?.enabled === false) return { advice: `boot with cgroup_enable=${controller} on the command line of the kernel` };
  if (mode !== 'v2') {
    if (known === undefined) return { advice: 'use a kernel that has the controller' };
    return { commands: mountCommands(controller, controllers, mounts) };
  }
  if (known?.together !== undefined)
    return {
      advice: `version 1 holds it: unmount that (grep ${controller} /proc/mounts), or boot with systemd.unified_cgroup_hierarchy=1`,
    };
  return { advice: 'use a kernel that has the controller; inside another container it must be delegated from outside' };
}
