import type { Check } from './check.js';
import { capabilities } from './checks/capabilities.js';
import { cgroupControllers } from './checks/cgroup-controllers.js';
import { cgroupDelegation } from './checks/cgroup-delegation.js';
import { cgroupLimits } from './checks/cgroup-limits.js';
import { cgroupMounts } from './checks/cgroup-mounts.js';
import { cgroupSwap } from './checks/cgroup-swap.js';
import { container } from './checks/container.js';
import { devices } from './checks/devices.js';
import { diskSpace } from './checks/disk-space.js';
import { environment } from './checks/environment.js';
import { filesystems } from './checks/filesystems.js';
import { helper } from './checks/helper.js';
import { kernelVersion } from './checks/kernel-version.js';
import { keyring } from './checks/keyring.js';
import { layersDir } from './checks/layers-dir.js';
import { leftovers } from './checks/leftovers.js';
import { masks } from './checks/masks.js';
import { namespaces } from './checks/namespaces.js';
import { network } from './checks/network.js';
import { noNewPrivs } from './checks/no-new-privs.js';
import { node } from './checks/node.js';
import { nodePty } from './checks/node-pty.js';
import { overlay } from './checks/overlay.js';
import { privilege } from './checks/privilege.js';
import { rootfs } from './checks/rootfs.js';
import { rootless } from './checks/rootless.js';
import { seccomp } from './checks/seccomp.js';
import { securityModules } from './checks/security-modules.js';
import { stateDir } from './checks/state-dir.js';
import { sudoPath } from './checks/sudo-path.js';
import { systemCalls } from './checks/system-calls.js';
import { terminal } from './checks/terminal.js';
import { tools } from './checks/tools.js';
import { userNamespace } from './checks/user-namespace.js';

/** All checks; those of a group are shown in this order. */
export const CHECKS: readonly Check[] = [
  privilege,
  environment,
  helper,
  node,
  nodePty,
  sudoPath,
  tools,
  kernelVersion,
  systemCalls,
  namespaces,
  filesystems,
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
  userNamespace,
  capabilities,
  noNewPrivs,
  seccomp,
  devices,
  masks,
  keyring,
  securityModules,
  container,
  terminal,
  leftovers,
  rootless,
  network,
];
