import type { Check } from './check.js';
import { environment } from './checks/environment.js';
import { helper } from './checks/helper.js';
import { kernelVersion } from './checks/kernel-version.js';
import { namespaces } from './checks/namespaces.js';
import { network } from './checks/network.js';
import { node } from './checks/node.js';
import { nodePty } from './checks/node-pty.js';
import { privilege } from './checks/privilege.js';
import { rootless } from './checks/rootless.js';
import { sudoPath } from './checks/sudo-path.js';
import { tools } from './checks/tools.js';

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
  namespaces,
  rootless,
  network,
];
