import { statSync } from 'node:fs';
import { quote } from '../explain/sh-words.js';
import { holdingMount, type MountEntry } from '../host/mounts.js';
import type { HostPath } from '../plan/step.js';
import type { Fix } from './check.js';
import { standing } from './scratch.js';

/** What makes a root of ours (state/roots.ts) usable again. Nothing where it is not seen what is wrong: then the error's own hint stays. */
export function fixOfRoot(root: HostPath, variable: string, mounts: readonly MountEntry[]): { fix?: Fix } {
  const advice = `or set ${variable} to a directory that root can write to, and nobody else`;
  const place = standing(root);
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return {};
  if (!stat.isDirectory()) return { fix: { commands: [`mv ${quote(place)} ${quote(`${place}.old`)}`], advice } };
  if (place !== root) return readOnly(place, mounts, advice);
  const isOpen = stat.uid !== 0 || (stat.mode & 0o022) !== 0;
  return isOpen ? { fix: { commands: [`chown 0 ${quote(root)}`, `chmod 700 ${quote(root)}`], advice } } : readOnly(root, mounts, advice);
}

function readOnly(path: HostPath, mounts: readonly MountEntry[], advice: string): { fix?: Fix } {
  const mount = holdingMount(path, mounts);
  return mount !== undefined && isReadOnly(mount) ? { fix: { commands: [remount(mount)], advice } } : {};
}

export function isReadOnly({ options, superOptions }: MountEntry): boolean {
  return options.includes('ro') || superOptions.includes('ro');
}

/** The mount alone where that is enough: a hierarchy of version 1 in use is busy for more. */
export function remount({ mountpoint, superOptions }: MountEntry): string {
  return `mount -o remount,${superOptions.includes('ro') ? '' : 'bind,'}rw ${quote(mountpoint)}`;
}
