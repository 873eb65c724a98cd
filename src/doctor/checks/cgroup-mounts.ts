import { holdingMount, type MountEntry } from '../../host/mounts.js';
import type { Check, Context, Finding } from '../check.js';
import { kernelControllers, mountCommands, mountSysfs, mountUnified } from '../kernel-controllers.js';
import { isReadOnly, remount } from '../root-fix.js';
import { CONTROLLERS } from '../scratch-cgroup.js';

/** Those that a container is put into. */
const USED = [...CONTROLLERS, 'devices'];

export const cgroupMounts: Check = {
  id: 'cgroup-mounts',
  group: 'cgroup',
  title: 'control groups are mounted',
  proves:
    'The mount table has sysfs at /sys, and cgroup file systems, in which version they are, and that those which crt writes to are not read-only.',
  why: 'Limits of memory, processes and processors are set by files of these file systems; each container has a directory of its own there.',
  repair:
    'Mount them, after `mount -t sysfs sysfs /sys` where that is missing: `mount -t cgroup2 cgroup2 /sys/fs/cgroup`, or on version 1 each hierarchy by its name. A read-only one is remounted; in another container its options decide (docker: `--privileged` or `--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup`).',
  needsRoot: false,
  run: ({ facts }) => {
    if (facts.cgroup.mode === 'none') return [...sysfs(facts), nothing(facts)];
    const readOnly = mountsInUse(facts).filter(isReadOnly);
    return [...sysfs(facts), ...(readOnly.length > 0 ? readOnly.map(locked) : [{ verdict: 'pass', observed: describe(facts) } as const])];
  },
};

function sysfs({ mounts }: Context['facts']): Finding[] {
  const commands = mountSysfs(mounts);
  if (commands.length === 0) return [];
  return [
    {
      verdict: 'fail',
      observed: 'no sysfs is mounted on /sys',
      expected: 'sysfs, which has the place for cgroups',
      cost: 'no container can be started but with --userns host',
      fix: { commands },
    },
  ];
}

function nothing({ mounts }: Context['facts']): Finding {
  return {
    verdict: 'fail',
    observed: 'no cgroup file system is mounted',
    expected: 'one at /sys/fs/cgroup',
    cost: 'no container can be limited: each run needs --pids-limit -1, and --memory and --cpus are refused',
    fix: { commands: mountAll(mounts) },
  };
}

/** As the kernel has them: what version 1 holds, version 2 cannot have. */
function mountAll(mounts: readonly MountEntry[]): readonly string[] {
  const controllers = kernelControllers();
  const onFirst = USED.filter((controller) => controllers.get(controller)?.together !== undefined);
  if (onFirst.length === 0) return mountUnified(mounts);
  return [...new Set(onFirst.flatMap((name) => mountCommands(name, controllers, mounts)))];
}

/** Those that a container has a directory in. */
function mountsInUse({ cgroup, mounts }: Context['facts']): MountEntry[] {
  const places =
    cgroup.mode === 'v2' && cgroup.unified
      ? [cgroup.unified.mountpoint]
      : cgroup.hierarchies.filter(({ controllers }) => USED.some((name) => controllers.includes(name))).map(({ mountpoint }) => mountpoint);
  return places.flatMap((place) => holdingMount(place, mounts) ?? []);
}

function locked(mount: MountEntry): Finding {
  return {
    verdict: 'fail',
    observed: `${mount.mountpoint} is mounted read-only`,
    expected: 'that root can make directories there',
    cost: 'no container can be limited there, so none is started',
    fix: { commands: [remount(mount)], advice: 'inside another container it must be given writable from outside' },
  };
}

function describe({ cgroup }: Context['facts']): string {
  const { mode, hierarchies, unified } = cgroup;
  if (mode === 'v2') return `version 2: at ${unified?.mountpoint}`;
  const names = hierarchies.flatMap(({ controllers }) => controllers).join(' ');
  return `version 1${mode === 'hybrid' ? ' beside 2 (hybrid)' : ''}: ${names}`;
}
