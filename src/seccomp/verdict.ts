import { errnoOf } from '../spec/errno.js';
import type { SeccompAction } from '../spec/types.js';

/** What a filter answers the kernel: an action in the upper half, data in the lower (seccomp(2), SECCOMP_RET_…). */
export type Verdict = number;

const RETURNS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

const EPERM = errnoOf('EPERM') ?? 1;
export const ENOSYS_VERDICT: Verdict = RETURNS.SCMP_ACT_ERRNO | (errnoOf('ENOSYS') ?? 38);

/** @param errno of SCMP_ACT_ERRNO; default EPERM (config-linux.md, seccomp) */
export function verdictOf(action: SeccompAction, errno: number = EPERM): Verdict {
  return action === 'SCMP_ACT_ERRNO' ? RETURNS[action] | errno : RETURNS[action];
}

/** The kernel's own order among several filters, the strictest lowest: kill, trap, errno, notify, log, allow. */
export function leniency(verdict: Verdict): number {
  return (verdict & 0xffff0000) | 0;
}

/** That a call ends here, in a signal. */
export function isDeadly(verdict: Verdict): boolean {
  return leniency(verdict) < leniency(RETURNS.SCMP_ACT_ERRNO);
}
