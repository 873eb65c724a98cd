import type { CheckId } from '../check-ids.js';
import { describeErrno } from '../failure.js';
import type { OpName } from '../plan/ops.js';
import { capabilityMask, capabilityNames } from '../spec/capabilities.js';
import type { Context, Finding, ProbeFailure } from './check.js';

/** Without one of these `run` does not start a container, and what for: found by dropping each from the bounding set. */
export const NEEDED: Readonly<Record<string, string>> = {
  CAP_SYS_ADMIN: 'makes namespaces and mounts',
  CAP_SETUID: 'becomes root of the container',
  CAP_SETGID: 'becomes root of the container',
  CAP_CHOWN: 'gives files to root of the container',
  CAP_FOWNER: 'sets the mode of files that belong to root of the container',
  CAP_DAC_OVERRIDE: 'reaches folders of other users',
  CAP_SYS_PTRACE: 'opens the namespaces that it has made',
  CAP_MKNOD: 'makes /dev',
};

/** The capabilities that crt needs and does not have. */
export function missingCapabilities({ facts }: Pick<Context, 'facts'>): string[] {
  return capabilityNames(capabilityMask(Object.keys(NEEDED)) & ~facts.capabilities);
}

/** EPERM and EACCES of errno(3). */
const FORBIDDEN: ReadonlySet<number> = new Set([1, 13]);

/**
 * What a failed probe is to a check.
 * @param own the ops that the check is about, beside those whose errors point to it
 * @returns a finding when another check tells it; undefined when it is the check's own
 */
export function toldElsewhere(failed: ProbeFailure, id: CheckId, context: Context, own: readonly OpName[] = []): Finding | undefined {
  const lacksRights = FORBIDDEN.has(failed.errno) && missingCapabilities(context).length > 0;
  const check = lacksRights ? 'capabilities' : failed.check;
  if (check === id || (own.includes(failed.op) && check !== 'system-calls' && check !== 'capabilities')) return undefined;
  return { verdict: 'unknown', observed: `could not be tried: see ${check}` };
}

/** `operation not permitted (EPERM)`, with what the kernel said. */
export function reason({ errno, text }: ProbeFailure): string {
  if (errno === 0) return `its process was ${text}`;
  const { words, code } = describeErrno(errno);
  return `${words} (${code})${text ? `: ${text}` : ''}`;
}

export function codeOf({ errno }: ProbeFailure): string {
  return describeErrno(errno).code;
}
