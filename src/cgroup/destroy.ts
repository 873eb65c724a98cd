import { lstatSync, rmdirSync } from 'node:fs';
import { UserError } from '../errors.js';
import { shellWord } from '../format/shell-word.js';
import { descendants } from './directory.js';
import type { CgroupDirectory } from './driver.js';
import { errnoWords, isErrno, writeText } from './files.js';
import { thawToDie } from './freezer.js';

/** A killed process leaves its cgroup a moment after it left cgroup.procs; each round of the killer waits for that by event. */
const ROUNDS = 5;

/**
 * Removes the cgroups of one container, ending whatever still runs in them.
 * A directory that is gone is fine; one whose inode is another was made by someone else and stays.
 * @param killer ends every process of these cgroup.procs files and waits until they are empty (`crt-init kill`).
 *   Called only when the kernel says that a cgroup is in use. What it throws is passed on.
 * @throws UserError when a cgroup stays in use.
 */
export function destroyCgroup(directories: readonly CgroupDirectory[], killer: (procs: readonly string[]) => void): void {
  let left = removeAll(directories);
  for (let round = 0; left.length > 0 && round < ROUNDS; round++) {
    const paths = left.flatMap(({ path }) => [path, ...descendants(path)]);
    for (const { path } of left) killAtOnce(path);
    for (const path of paths) thawToDie(path);
    killer(paths.map((path) => `${path}/cgroup.procs`));
    left = removeAll(left);
  }
  const [stuck] = left;
  if (stuck)
    throw new UserError(`the cgroup ${stuck.path} is still in use`, {
      hint: `look who is in it: cat ${shellWord(`${stuck.path}/cgroup.procs`)}`,
      check: 'leftovers',
    });
}

/** @returns those that the kernel says are in use. */
function removeAll(directories: readonly CgroupDirectory[]): CgroupDirectory[] {
  // Children were made after their parents.
  return [...directories].reverse().filter((directory) => isOwn(directory) && !removeTree(directory.path));
}

function isOwn({ path, inode }: CgroupDirectory): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.ino === inode;
}

function removeTree(path: string): boolean {
  if (remove(path)) return true;
  for (const child of descendants(path)) if (!remove(child)) return false;
  return remove(path);
}

function remove(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'EBUSY', 'ENOTEMPTY')) return false;
    throw new UserError(`cannot remove the cgroup ${path}: ${errnoWords(error)}`, { check: 'leftovers', cause: error });
  }
}

/** cgroup.kill (version 2, from Linux 5.14) leaves a fork bomb no moment between two kills; elsewhere the killer works alone. */
function killAtOnce(path: string): void {
  try {
    writeText(`${path}/cgroup.kill`, '1');
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
  }
}
