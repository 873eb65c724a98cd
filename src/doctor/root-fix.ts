import { readlinkSync, statSync } from 'node:fs';
import { quote } from '../explain/sh-words.js';
import { holdingMount, type MountEntry } from '../host/mounts.js';
import type { HostPath } from '../plan/step.js';
import type { Context, Finding, Fix } from './check.js';
import { toFinding } from './finding.js';
import { danglingLink, inRoot, isThere, standing } from './scratch.js';

/** The two roots of ours (state/roots.ts), by the checks that try them. */
const ROOTS = {
  'state-dir': { root: 'state', variable: 'CRT_STATE_DIR' },
  'layers-dir': { root: 'layers', variable: 'CRT_LAYERS_DIR' },
} as const;

/** Tells whether what is done in a root can be done. */
export async function tryRoot(id: keyof typeof ROOTS, { roots, facts }: Context, work: (root: HostPath) => void): Promise<Finding> {
  const { root, variable } = ROOTS[id];
  const path = roots[root];
  try {
    await inRoot(path, id, work);
    return { verdict: 'pass', observed: `${root} in ${path}${isThere(path) ? '' : ', which a start makes'}` };
  } catch (error) {
    const more = { expected: `a directory of root's own at ${path}, or room for one`, cost: 'no container can be started' };
    return toFinding(error, id, { ...more, ...fixOfRoot(path, variable, facts.mounts) });
  }
}

/** What makes a root usable again. Nothing where it is not seen what is wrong: then the error's own hint stays. */
function fixOfRoot(root: HostPath, variable: string, mounts: readonly MountEntry[]): { fix?: Fix } {
  const advice = `or set ${variable} to a directory that root can write to, and nobody else`;
  const link = danglingLink(root);
  if (link !== undefined)
    return { fix: { advice: `${link} is a symbolic link to ${readlinkSync(link)}, which is not there: mount or make that, ${advice}` } };
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
