import { statSync } from 'node:fs';
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
  if (!stat.isDirectory()) return { fix: { commands: [`mv ${place} ${place}.old`], advice } };
  if (place !== root) return readOnly(place, mounts, advice);
  const isOpen = stat.uid !== 0 || (stat.mode & 0o022) !== 0;
  return isOpen ? { fix: { commands: [`chown 0 ${root}`, `chmod 700 ${root}`], advice } } : readOnly(root, mounts, advice);
}

function readOnly(path: HostPath, mounts: readonly MountEntry[], advice: string): { fix?: Fix } {
  const mount = holdingMount(path, mounts);
  if (!mount?.options.includes('ro') && !mount?.superOptions.includes('ro')) return {};
  return { fix: { commands: [`mount -o remount,rw ${mount.mountpoint}`], advice } };
}
