import { readFileSync } from 'node:fs';
import type { Fix } from './check.js';

/** Far below the default of any machine, and more than anybody starts. */
const ENOUGH = 10_000;

/**
 * A limit on namespaces that is reached (namespaces(7), "The /proc/sys/user directory"): what it says, and how it is raised.
 * @param kind as in the name of the file: `mnt`, `pid`, `user` …
 */
export function reachedLimit(kind: string): { readonly words: string; readonly fix: Fix } {
  const knob = `user.max_${kind}_namespaces`;
  const limit = readLimit(kind);
  if (limit !== undefined && limit >= ENOUGH)
    return {
      words: `; ${knob} is ${limit}`,
      // Those above count as well, and cannot be seen from here.
      fix: { advice: `so many are in use (lsns), or ${knob} is lower in a user namespace around this one` },
    };
  return { words: limit === undefined ? '' : `; ${knob} is ${limit}`, fix: { commands: [`sysctl -w ${knob}=${ENOUGH}`] } };
}

/** In our own user namespace. */
function readLimit(kind: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/user/max_${kind}_namespaces`, 'utf8'));
  } catch {
    return undefined;
  }
}
