import { readlinkSync, statSync } from 'node:fs';
import { shellWord } from '../format/shell-word.js';
import { holdingMount, type MountEntry } from '../host/mounts.js';
import type { HostPath } from '../plan/step.js';
import { elsewhere, isOurs } from '../state/roots.js';
import type { Context, Finding, Fix } from './check.js';
import { toFinding } from './finding.js';
import { danglingLink, inRoot, isThere, standing } from './scratch.js';

/** The two roots of ours (state/roots.ts), by the checks that try them. */
const ROOTS = {
  'state-dir': 'state',
  'layers-dir': 'layers',
} as const;

/** Folders of crt alone: a file in the place of another may be anybody's. */
const USUAL: readonly string[] = ['/run/crt', '/var/lib/crt', '/var/lib/crt/layers'];

/** Tells whether what is done in a root can be done. */
export async function tryRoot(id: keyof typeof ROOTS, { roots, facts }: Context, work: (root: HostPath) => void): Promise<Finding> {
  const root = ROOTS[id];
  const path = roots[root];
  try {
    await inRoot(path, id, work);
    return { verdict: 'pass', observed: `${root} in ${path}${isThere(path) ? '' : ', which a start makes'}` };
  } catch (error) {
    const more = { expected: `a directory of root's own at ${path}, or room for one`, cost: 'no container can be started' };
    return toFinding(error, id, { ...more, ...fixOfRoot(path, id, facts.mounts) });
  }
}

/** What makes a root usable again. Nothing where it is not seen what is wrong: then the error's own hint stays. */
function fixOfRoot(root: HostPath, id: keyof typeof ROOTS, mounts: readonly MountEntry[]): { fix?: Fix } {
  const advice = `or ${elsewhere(id)}`;
  const link = danglingLink(root);
  if (link !== undefined)
    return { fix: { advice: `${link} is a symbolic link to ${readlinkSync(link)}, which is not there: mount or make that, ${advice}` } };
  const place = standing(root);
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return {};
  if (!stat.isDirectory())
    return { fix: USUAL.includes(place) ? { commands: [`mv ${place} ${place}.old`], advice } : { advice: elsewhere(id) } };
  if (place !== root) return readOnly(place, mounts, advice);
  const isOpen = stat.uid !== 0 || (stat.mode & 0o022) !== 0;
  if (!isOpen) return readOnly(root, mounts, advice);
  // Else as the error has it.
  return isOurs(root, id) ? { fix: { commands: [`chown 0 ${shellWord(root)}`, `chmod 700 ${shellWord(root)}`], advice } } : {};
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
  return `mount -o remount,${superOptions.includes('ro') ? '' : 'bind,'}rw ${shellWord(mountpoint)}`;
}
