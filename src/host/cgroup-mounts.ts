import { toHostPath } from '../plan/step.js';
import type { CgroupFacts, Hierarchy } from './facts.js';
import { holdingMount, type MountEntry } from './mounts.js';

/**
 * How control groups are laid out, from the mounts and the text of /proc/self/cgroup (cgroups(7)).
 * The memory controller decides between the versions: a stray net_cls hierarchy of version 1, as VPN programs
 * mount it, leaves a machine in mode v2; a version 2 tree without it leaves one in mode hybrid.
 * @param controllersOf the words of `cgroup.controllers` at the version 2 mount; asked once at most.
 */
export function cgroupFacts(
  mounts: readonly MountEntry[],
  selfCgroup: string,
  controllersOf: (mountpoint: string) => readonly string[] = () => [],
): CgroupFacts {
  const visible = mounts.filter((mount) => mount.fstype.startsWith('cgroup') && holdingMount(mount.mountpoint, mounts)?.id === mount.id);
  const all = findHierarchies(visible, selfCgroup);
  const mount = prefer(visible.filter((mount) => mount.fstype === 'cgroup2'));
  const unified = mount && {
    mountpoint: toHostPath(mount.mountpoint),
    controllers: controllersOf(mount.mountpoint),
    own: ownCgroup(selfCgroup),
  };
  const hasMemory = all.some((hierarchy) => hierarchy.controllers.includes('memory'));
  const onSecond = unified !== undefined && !hasMemory && (all.length === 0 || unified.controllers.includes('memory'));
  if (onSecond) return { mode: 'v2', hierarchies: [], unified };
  if (all.length === 0) return { mode: 'none', hierarchies: [], unified: undefined };
  return { mode: unified ? 'hybrid' : 'v1', hierarchies: all, unified };
}

/** Lines `ID:CONTROLLERS:PATH` of /proc/PID/cgroup; version 2 is `0::PATH`. */
function ownCgroup(selfCgroup: string): string {
  return /^0::(.*)$/m.exec(selfCgroup)?.[1] ?? '/';
}

/** The kernel lists the controllers among a version 1 mount's other options; only /proc/self/cgroup tells which words they are. */
function findHierarchies(mounts: readonly MountEntry[], selfCgroup: string): Hierarchy[] {
  const known = new Set([...selfCgroup.matchAll(/^[1-9]\d*:([^:]+):/gm)].flatMap((match) => (match[1] ?? '').split(',')));
  const byControllers = new Map<string, MountEntry[]>();
  for (const mount of mounts) {
    if (mount.fstype !== 'cgroup') continue;
    const key = mount.superOptions.filter((option) => known.has(option) && !option.startsWith('name=')).join(',');
    if (key) byControllers.set(key, [...(byControllers.get(key) ?? []), mount]);
  }
  return [...byControllers].map(([key, candidates]) => ({
    controllers: key.split(','),
    mountpoint: toHostPath((prefer(candidates) as MountEntry).mountpoint),
  }));
}

/** Of several mounts of one tree: writable before read-only, the usual place before others, the first before later ones. */
function prefer(mounts: readonly MountEntry[]): MountEntry | undefined {
  const rank = (mount: MountEntry): number =>
    (mount.options.includes('ro') ? 2 : 0) + (`${mount.mountpoint}/`.startsWith('/sys/fs/cgroup/') ? 0 : 1);
  return mounts.reduce<MountEntry | undefined>((best, mount) => (best && rank(best) <= rank(mount) ? best : mount), undefined);
}
