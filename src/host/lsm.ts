import { existsSync, readFileSync } from 'node:fs';
import type { LsmFacts } from './facts.js';
import type { MountEntry } from './mounts.js';

const APPARMOR_ATTR = '/proc/self/attr/apparmor/exec';
/** Before Linux 5.8 the file of whichever module came first. */
const SHARED_ATTR = '/proc/self/attr/exec';

/**
 * Which security modules are in force here.
 * @param read the text of a file, undefined where there is none
 */
export function lsmFacts(mounts: readonly MountEntry[], read: (path: string) => string | undefined = readText): LsmFacts {
  const isMounted = (fstype: string): boolean => mounts.some((mount) => mount.fstype === fstype);
  const apparmor = isMounted('securityfs') && read('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y';
  return {
    apparmor: apparmor ? { execFile: existsSync(APPARMOR_ATTR) ? APPARMOR_ATTR : SHARED_ATTR } : undefined,
    selinux: isMounted('selinuxfs'),
  };
}

/** The names of the loaded AppArmor profiles; undefined where the list cannot be read. Lines `NAME (MODE)`, aa-status(8). */
export function loadedProfiles(read: (path: string) => string | undefined = readText): ReadonlySet<string> | undefined {
  const list = read('/sys/kernel/security/apparmor/profiles');
  return list === undefined ? undefined : new Set(list.split('\n').map((line) => line.replace(/ \([a-z]+\)$/, '')));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
