import type { Check } from './check.js';
import { cgroupControllers } from './checks/cgroup-controllers.js';
import { cgroupDelegation } from './checks/cgroup-delegation.js';
import { cgroupLimits } from './checks/cgroup-limits.js';
import { cgroupMounts } from './checks/cgroup-mounts.js';
import { cgroupSwap } from './checks/cgroup-swap.js';
import { diskSpace } from './checks/disk-space.js';
import { kernelVersion } from './checks/kernel-version.js';
import { layersDir } from './checks/layers-dir.js';
import { leftovers } from './checks/leftovers.js';
import { namespaces } from './checks/namespaces.js';
import { overlay } from './checks/overlay.js';
import { rootfs } from './checks/rootfs.js';
import { stateDir } from './checks/state-dir.js';

/** All checks; those of a group are shown in this order. */
export const CHECKS: readonly Check[] = [
  kernelVersion,
  namespaces,
  cgroupMounts,
  cgroupControllers,
  cgroupLimits,
  cgroupSwap,
  cgroupDelegation,
  rootfs,
  stateDir,
  layersDir,
  overlay,
  diskSpace,
  leftovers,
];
