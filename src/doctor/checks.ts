import type { Check } from './check.js';
import { capabilities } from './checks/capabilities.js';
import { container } from './checks/container.js';
import { devices } from './checks/devices.js';
import { environment } from './checks/environment.js';
import { filesystems } from './checks/filesystems.js';
import { helper } from './checks/helper.js';
import { kernelVersion } from './checks/kernel-version.js';
import { keyring } from './checks/keyring.js';
import { masks } from './checks/masks.js';
import { namespaces } from './checks/namespaces.js';
import { network } from './checks/network.js';
import { noNewPrivs } from './checks/no-new-privs.js';
import { node } from './checks/node.js';
import { nodePty } from './checks/node-pty.js';
import { privilege } from './checks/privilege.js';
import { rootless } from './checks/rootless.js';
import { seccomp } from './checks/seccomp.js';
import { securityModules } from './checks/security-modules.js';
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
  rootless,
  network,
];
