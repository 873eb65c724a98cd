import type { ContainerPath, Step } from '../plan/step.js';
import { step, toContainerPath } from '../plan/step.js';
import type { Cgroup } from './driver.js';
import type { LimitWrite } from './limits.js';

/** A driver's whole answer: the contract of driver.ts and the one step that can only run later. */
export interface ContainerCgroup extends Cgroup {
  /** Steps of init after `pivot` that lock what {@link Cgroup.mounts} built; empty where nothing is left to lock. */
  seal(): readonly Step[];
  /** The values that {@link Cgroup.create} writes, in their order. */
  readonly limits: readonly LimitWrite[];
}

/** MOUNT_ATTR_ bits of mount_setattr(2). */
export const NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8;
/** Read-only by mount attribute: a cgroup superblock is shared with the host and must stay as it is. */
export const READ_ONLY_MOUNT = 0x1 | NOSUID_NODEV_NOEXEC;
/** O_CLOEXEC and O_PATH of open(2), which node:fs does not name: the same on x86-64 and arm64. */
export const O_CLOEXEC = 0x80000;
export const O_PATH = 0x200000;

/** Where a container looks for its cgroup. */
export const CGROUP_ROOT = '/sys/fs/cgroup';

/** Mounts a pseudo file system below {@link CGROUP_ROOT}, making the target when it is missing. */
export function mountStep(
  root: string,
  mount: { type: string; target: string; options?: readonly string[]; attrs: number; why: string },
): Step {
  const { type, options = [], attrs, why } = mount;
  const target: ContainerPath = toContainerPath(mount.target);
  return step('mount', 'init', { root, type, source: type, target, options, attrs, mode: 0 }, { chapter: 'cgroup', why, flags: ['mkdir'] });
}
