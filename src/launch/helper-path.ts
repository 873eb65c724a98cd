import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.js';
import { asRoot, shellWord } from '../format/shell-word.js';
import { type HostPath, toHostPath } from '../plan/step.js';

/**
 * The absolute path of `crt-init`: in the package that this module is part of, never from PATH or the working
 * directory. It runs as root, so it must belong to root or to whom crt's own files belong to (a clone used through
 * sudo), and nobody else may write to it or replace it.
 * @param from the URL of a module of the package.
 * @throws UserError when it is missing or not to be trusted.
 */
export function helperPath(from: string = import.meta.url): HostPath {
  const root = packageRoot(from);
  const path = toHostPath(`${root}/helper/crt-init`);
  const stat = lstatSync(path);
  if (!stat.isFile() || (stat.mode & 0o111) === 0)
    throw new UserError(`${path} is not an executable file`, { hint: 'run `make -C helper clean crt-init`', check: 'helper' });
  const owner = statSync(`${root}/package.json`).uid;
  checkTrust(path, stat, owner);
  checkTrust(`${root}/helper`, statSync(`${root}/helper`), owner);
  return path;
}

function checkTrust(path: string, stat: Stats, owner: number): void {
  if (stat.uid !== 0 && stat.uid !== owner) {
    throw new UserError(`${path} belongs to user ${stat.uid}, who could put anything in its place`, {
      ...asRoot([`chown ${owner} ${shellWord(path)}`], 'install crt again, at another place'),
      check: 'helper',
    });
  }
  // A folder's group may write in a clone (umask 002, a group of one's own); the program itself is stricter.
  const writers = stat.isDirectory() ? 0o002 : 0o022;
  if ((stat.mode & writers) !== 0)
    throw new UserError(`${path} can be changed by other users`, {
      ...asRoot([`chmod go-w ${shellWord(path)}`], 'install crt again, at another place'),
      check: 'helper',
    });
}

/**
 * The folder above this module that holds the helper: two levels up from src/launch, one from a bundle in dist.
 * @throws UserError when none does.
 */
function packageRoot(from: string): string {
  const own = dirname(fileURLToPath(from));
  for (let directory = own; directory !== '/'; directory = dirname(directory)) {
    if (lstatSync(`${directory}/helper/crt-init`, { throwIfNoEntry: false })) return directory;
  }
  throw new UserError(`the helper helper/crt-init is missing above ${own}`, { hint: 'run `make -C helper`', check: 'helper' });
}
