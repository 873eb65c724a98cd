import type { Check } from './check.js';
import { kernelVersion } from './checks/kernel-version.js';
import { namespaces } from './checks/namespaces.js';

/** All checks; those of a group are shown in this order. */
export const CHECKS: readonly Check[] = [kernelVersion, namespaces];
