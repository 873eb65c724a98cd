import { readText } from '../cgroup/files.js';
import { holdingMount, type MountEntry } from '../host/mounts.js';
import { isReadOnly, remount } from './root-fix.js';
import { isThere } from './scratch.js';

/** What the kernel says of a cgroup controller (cgroups(7), /proc/cgroups). */
export interface KernelController {
  /** False where the boot line has turned it off. */
  readonly enabled: boolean;
  /** The controllers of its version 1 hierarchy, itself included; undefined while it is in none. */
  readonly together: readonly string[] | undefined;
}

/** The controllers of this kernel by name; those of version 2 alone are not in the list of newer kernels. */
export function kernelControllers(): ReadonlyMap<string, KernelController> {
  const groups = [...(readText('/proc/self/cgroup') ?? '').matchAll(/^[1-9]\d*:([^:]+):/gm)].map((match) => (match[1] ?? '').split(','));
  const lines = (readText('/proc/cgroups') ?? '').split('\n').filter((line) => !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [name = '', , , enabled] = line.split('\t');
      return [name, { enabled: enabled === '1', together: groups.find((group) => group.includes(name)) }];
    }),
  );
}

const PLACE = '/sys/fs/cgroup';

/** Mounts the version 1 hierarchy of a controller where everybody looks for it. */
export function mountCommands(
  name: string,
  controllers: ReadonlyMap<string, KernelController>,
  mounts: readonly MountEntry[],
): readonly string[] {
  const options = (controllers.get(name)?.together ?? [name]).join(',');
  const before = isThere(`${PLACE}/${options}`) ? [] : openPlace(mounts);
  return [...before, `mkdir -p ${PLACE}/${options}`, `mount -t cgroup -o ${options} cgroup ${PLACE}/${options}`];
}

/** Mounts version 2 there. */
export function mountUnified(mounts: readonly MountEntry[]): readonly string[] {
  return [...mountSysfs(mounts), `mount -t cgroup2 cgroup2 ${PLACE}`];
}

/** Nothing where it is mounted. */
export function mountSysfs(mounts: readonly MountEntry[]): readonly string[] {
  return holdingMount('/sys', mounts)?.fstype === 'sysfs' ? [] : ['mount -t sysfs sysfs /sys'];
}

/** So that folders can be made there, as they cannot in sysfs. */
function openPlace(mounts: readonly MountEntry[]): readonly string[] {
  const mount = holdingMount(PLACE, mounts);
  if (mount?.mountpoint !== PLACE) return [...mountSysfs(mounts), `mount -t tmpfs -o mode=755 cgroup ${PLACE}`];
  return isReadOnly(mount) ? [remount(mount)] : [];
}
