import { readText } from '../../cgroup/files.js';
import { openCgroup } from '../../cgroup/open.js';
import { shellWord } from '../../format/shell-word.js';
import type { CgroupFacts } from '../../host/facts.js';
import type { Check, Context, Finding, Fix } from '../check.js';
import { elsewhere, toFinding } from '../finding.js';
import { isThere } from '../scratch.js';
import { LIMITS, withCgroup } from '../scratch-cgroup.js';

export const cgroupDelegation: Check = {
  id: 'cgroup-delegation',
  group: 'cgroup',
  title: 'controllers are handed down',
  proves:
    'On version 2 a cgroup `crt/…` is made with memory, pids and cpu at once: the controllers are enabled in cgroup.subtree_control of the mount and of `crt`. On version 1 there is nothing to hand down.',
  why: 'A cgroup has a controller only if the one above enables it, which the kernel refuses to one that has processes of its own, unless it is the root of all.',
  repair:
    'Move the processes of that cgroup into one below it, as the finding shows; crt moves nobody by itself. Controllers that the cgroup does not have must be delegated from outside: `Delegate=yes` of a systemd unit.',
  needsRoot: true,
  run: async (context) => {
    const { mode } = context.facts.cgroup;
    if (mode === 'none') return [elsewhere('cgroup-mounts')];
    if (mode !== 'v2') return [{ verdict: 'pass', observed: 'nothing to hand down: version 1' }];
    return handDown(context);
  },
};

async function handDown({ facts, name }: Context): Promise<readonly Finding[]> {
  const { unified } = facts.cgroup;
  const present = (['memory', 'pids', 'cpu'] as const).filter((controller) => unified?.controllers.includes(controller));
  const resources = Object.assign({}, ...present.map((controller) => LIMITS[controller]));
  try {
    const handed: Finding = {
      verdict: 'pass',
      observed: `controllers are handed down: ${present.join(' ')}, below ${unified?.mountpoint}`,
    };
    return await withCgroup(openCgroup(facts.cgroup, name('delegation'), resources), () => [handed, ...managed()]);
  } catch (error) {
    const cost = 'no container can be limited, so none is started';
    return [
      toFinding(error, 'cgroup-delegation', {
        expected: 'that controllers can be enabled for the cgroups below',
        cost,
        ...moveOut(unified),
      }),
    ];
  }
}

/** sd_booted(3) */
function managed(): readonly Finding[] {
  if (!isThere('/run/systemd/system')) return [];
  return [{ verdict: 'info', observed: 'systemd manages the cgroups here; crt keeps to its own, /crt, which no unit limits' }];
}

/** Where processes are in the way: only the true root has no cgroup.type, and may hold some. */
function moveOut(unified: CgroupFacts['unified']): { fix?: Fix } {
  if (unified === undefined) return {};
  const top = [unified.mountpoint, `${unified.mountpoint}/crt`].find(
    (path) => isThere(`${path}/cgroup.type`) && Boolean(readText(`${path}/cgroup.procs`)),
  );
  if (top === undefined) return {};
  const [main, from, to] = ['main', 'cgroup.procs', 'main/cgroup.procs'].map((file) => shellWord(`${top}/${file}`));
  return {
    fix: {
      commands: [`mkdir -p ${main}`, `for p in $(cat ${from}); do echo $p > ${to}; done`],
      advice: 'the processes that would be moved: look at them first',
    },
  };
}
