import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UserError } from './errors.js';
import { openFolder } from './folder.js';
import { shellWord } from './format/shell-word.js';
import { parseMounts } from './host/mounts.js';
import type { HostPath } from './plan/step.js';
import { codeOf, systemError } from './state/failure.js';

/** What the table of mounts shows as it is. */
const PLAIN = /^[\w./-]+$/;

/**
 * Removes a folder with all that is in it, of any depth and any names. No symbolic link is followed.
 * @returns false when it was gone already
 * @throws UserError when it is no folder, when something is mounted in it (whose files would go), or when something cannot be removed
 */
export function removeTree(folder: HostPath, check?: UserError['check']): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) {
    throw new UserError(`will not remove ${folder}: it is not a directory`, { hint: 'see what it is, and remove it by hand', check });
  }
  refuseMounted(folder, check);
  try {
    removeByPath(folder);
  } catch {
    // Too deep for paths, or for the stack, or with names that are not UTF-8.
    try {
      removeByDescriptor(folder);
    } catch (error) {
      // Somebody else removed it meanwhile.
      if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return true;
      throw systemError(`cannot remove ${folder}`, error, check);
    }
  }
  return true;
}

/** Mounts of other mount namespaces are not seen, and not in the way: what is below them is removed, and nothing in them. */
function refuseMounted(folder: HostPath, check: UserError['check']): void {
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  // As the kernel names it: CRT_LAYERS_DIR may lead through links.
  const real = `${realpathSync.native(dirname(folder))}/${basename(folder)}`;
  // Read closely only where that can be: each end of a container asks.
  if (PLAIN.test(real) && !table.includes(` ${real}/`) && !table.includes(` ${real} `)) return;
  const mount = parseMounts(table).find(({ mountpoint }) => mountpoint === real || mountpoint.startsWith(`${real}/`));
  if (mount === undefined) return;
  const where = mount.mountpoint === real ? 'on' : 'in';
  throw new UserError(`will not remove ${folder}: ${mount.fstype} is mounted ${where} it, whose files would go too`, {
    hint: `umount ${shellWord(mount.mountpoint)}`,
    check,
  });
}

/** Not by rmSync, which tries rmdir(2) on each folder before it looks: a third of the time that a small layer takes. */
function removeByPath(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) removeByPath(path);
    else unlinkSync(path);
  }
  rmdirSync(folder);
}

/**
 * By the descriptors of two folders at a time, whatever the depth: what a folder holds that is not empty is moved up into the top one
 * under a new name, and has its turn there. So a path too long for the kernel never arises.
 */
function removeByDescriptor(folder: string): void {
  const top = openFolder(folder);
  let serial = 0;
  const lift = (path: Buffer): void => {
    while (!moves(path, top.at(Buffer.from(`.crt-removed-${serial}`)))) serial++;
  };
  try {
    for (let entries = top.entries(); entries.length > 0; entries = top.entries())
      for (const entry of entries) if (!unlink(top.at(entry.name), entry)) dissolve(top.at(entry.name), lift);
  } finally {
    top.close();
  }
  rmdirSync(folder);
}

/** Removes a folder that is not empty. */
function dissolve(path: Buffer, lift: (path: Buffer) => void): void {
  const folder = openFolder(path);
  try {
    for (const entry of folder.entries()) if (!unlink(folder.at(entry.name), entry)) lift(folder.at(entry.name));
  } finally {
    folder.close();
  }
  rmdirSync(path);
}

/** False for a folder that is not empty. */
function unlink(path: Buffer, entry: Dirent<Buffer>): boolean {
  try {
    if (entry.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY') return false;
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return true;
}

/** False where the new name is taken by something that is not empty. */
function moves(from: Buffer, to: Buffer): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY' && code !== 'ENOTDIR') throw error;
    return false;
  }
}
