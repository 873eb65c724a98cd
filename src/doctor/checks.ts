import type { Check } from './check.js';
import { capabilities } from './checks/capabilities.js';
import { container } from './checks/container.js';
import { devices } from './checks/devices.js';
import { filesystems } from './checks/filesystems.js';
import { kernelVersion } from './checks/kernel-version.js';
import { keyring } from './checks/keyring.js';
import { masks } from './checks/masks.js';
import { namespaces } from './checks/namespaces.js';
import { noNewPrivs } from './checks/no-new-privs.js';
import { seccomp } from './checks/seccomp.js';
import { securityModules } from './checks/security-modules.js';
import { systemCalls } from './checks/system-calls.js';
import { terminal } from './checks/terminal.js';
import { userNamespace } from './checks/user-namespace.js';

/** All checks; those of a group are shown in this order. */
export const CHECKS: readonly Check[] = [
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
];
