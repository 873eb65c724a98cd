import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, rmdirSync, type Stats, writeSync } from 'node:fs';
import { UserError } from '../errors.js';
import type { HostPath } from '../plan/step.js';
import type { CgroupDirectory } from './driver.js';
import { errnoWords, isErrno, readText } from './files.js';
import { isAccepted, type LimitWrite } from './limits.js';

/**
 * @param isOurs tells whether crt has a container of the name; asked only when one of the paths exists.
 * @throws UserError when one of them is a cgroup that is not crt's, or one of the kernel's own files.
 */
export function refuseTaken(paths: readonly HostPath[], name: string, isOurs: () => boolean): void {
  const seen = paths.map((path) => ({ path, stat: statOf(path) })).filter(({ stat }) => stat !== undefined);
  const file = seen.find(({ stat }) => !stat?.isDirectory());
  if (file) throw new UserError(`the name ${name} is taken by a file of the kernel: ${file.path}`, { hint: 'choose another name' });
  if (seen.length === 0 || isOurs()) return;
  // A container of ours may have ended between the two looks, its state folder last: then its cgroup is gone by now, or is another's.
  const stranger = seen.find(({ path, stat }) => statOf(path)?.ino === stat?.ino);
  if (stranger) throw foreign(stranger.path, name);
}

function statOf(path: HostPath): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Makes a cgroup; one that exists is refused, never adopted. @throws UserError */
export function makeDirectory(path: HostPath, name: string): CgroupDirectory {
  try {
    mkdirSync(path, 0o755);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw foreign(path, name, error);
    throw new UserError(`cannot make the cgroup ${path}: ${errnoWords(error)}`, {
      hint: mkdirHint(error),
      check: mkdirCheck(error),
      cause: error,
    });
  }
  return { path, inode: lstatSync(path).ino };
}

function foreign(path: HostPath, name: string, cause?: unknown): UserError {
  return new UserError(`a cgroup ${name} exists already and is not crt's: ${path}`, { hint: 'choose another name', cause });
}

function mkdirHint(error: unknown): string {
  if (isErrno(error, 'EROFS'))
    return 'the cgroup file system is mounted read-only here; inside another container it must be given writable';
  if (isErrno(error, 'EACCES', 'EPERM')) return 'run it as root: sudo crt run …';
  if (isErrno(error, 'EAGAIN', 'ENOMEM', 'ENOSPC')) return 'the kernel allows no more cgroups here: remove unused ones, see /proc/cgroups';
  return 'crt doctor tells what is wrong with the cgroups of this machine';
}

/** Where no directory can be made no container is limited; what is mounted read-only is told by the check of the mounts. */
export function mkdirCheck(error: unknown): UserError['check'] {
  return isErrno(error, 'EROFS') ? 'cgroup-mounts' : 'cgroup-controllers';
}

/** Undo of a creation that failed halfway: the directories are new and empty. Errors stay silent, the first one counts. */
export function removeDirectories(made: readonly CgroupDirectory[]): void {
  for (const { path } of [...made].reverse()) {
    try {
      rmdirSync(path);
    } catch {
      // Whoever entered it meanwhile keeps it.
    }
  }
}

/** Writes the limits in order and reads each back. @throws UserError that names limit, cause and remedy */
export function applyLimits(writes: readonly LimitWrite[], directoryOf: (write: LimitWrite) => string): void {
  let open: { readonly path: string; readonly fd: number } | undefined;
  try {
    for (const write of writes) {
      const path = `${directoryOf(write)}/${write.file}`;
      // A list of rules is one file, which takes one of them at a time.
      if (open?.path !== path) {
        if (open) closeSync(open.fd);
        open = undefined;
        open = openLimit(write, path);
      }
      if (open) applyLimit(write, open.fd, directoryOf(write));
    }
  } finally {
    if (open) closeSync(open.fd);
  }
}

function openLimit(write: LimitWrite, path: string): { readonly path: string; readonly fd: number } | undefined {
  try {
    // Never makes the file: cgroupfs would answer EACCES instead of ENOENT.
    return { path, fd: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw refused(write, error);
    if (write.optional) return undefined;
    throw new UserError(`this kernel cannot limit that: there is no ${write.file}`, {
      hint: missingHint(write),
      check: limitCheck(write),
      cause: error,
    });
  }
}

function refused(write: LimitWrite, error: unknown): UserError {
  return new UserError(`the kernel refused ${write.file} = ${write.value}: ${errnoWords(error)}`, {
    hint: write.hint,
    check: limitCheck(write),
    isAsked: write.file === 'cpuset.cpus' && (isErrno(error, 'ERANGE') || isErrno(error, 'EINVAL')),
    cause: error,
  });
}

function applyLimit(write: LimitWrite, fd: number, directory: string): void {
  try {
    writeSync(fd, write.value);
  } catch (error) {
    throw refused(write, error);
  }
  if (write.kind === 'later') return;
  const { file, value } = write.readBack ?? write;
  const got = readText(`${directory}/${file}`);
  if (got === undefined || !isAccepted({ kind: write.kind, value }, got)) {
    throw new UserError(`the kernel did not keep ${write.file} = ${write.value}: it reads back ${got ?? 'nothing'}`, {
      hint: write.hint,
      check: limitCheck(write),
    });
  }
}

/** The check that sets the same. */
function limitCheck({ controller, file }: LimitWrite): UserError['check'] {
  if (controller === 'devices') return 'devices';
  if (controller === 'cpuset') return 'cgroup-controllers';
  return file.includes('sw') ? 'cgroup-swap' : 'cgroup-limits';
}

function missingHint(write: LimitWrite): string {
  return write.file.includes('sw')
    ? 'leave out --memory-swap, or boot with swapaccount=1'
    : `leave the limit out, or use a kernel that has ${write.file}`;
}

/** Cgroups below this one, deepest first. */
export function descendants(path: string): string[] {
  // kernfs counts subdirectories in the link count: no need to list the files of a cgroup without children.
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat || stat.nlink === 2) return [];
  const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return children.flatMap((child) => [...descendants(`${path}/${child.name}`), `${path}/${child.name}`]);
}

/** Process ids in a cgroup and those below it, as this pid namespace sees them (0 = of another one, left out). */
export function listPids(path: string): number[] {
  return [path, ...descendants(path)]
    .flatMap((directory) => (readText(`${directory}/cgroup.procs`) ?? '').split('\n'))
    .map(Number)
    .filter((pid) => pid > 0);
}
