import type { Check } from './check.js';
import { filesystems } from './checks/filesystems.js';
import { kernelVersion } from './checks/kernel-version.js';
import { namespaces } from './checks/namespaces.js';
import { systemCalls } from './checks/system-calls.js';

/** All checks; those of a group are shown in this order. */
export const CHECKS: readonly Check[] = [kernelVersion, systemCalls, namespaces, filesystems];
