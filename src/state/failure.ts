import { dirname } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { UserError } from '../errors.js';

/** The errno name of a failed system call (`ENOENT` …), or undefined when it is another kind of error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : undefined;
}

/** `EBUSY` for 16. */
export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}

/** `no space left on device` for a failed system call; the message for anything else. */
export function errnoWords(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  const [, words = message] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return words;
}

/** Causes that a person can do something about (errno(3)), in words. */
const CAUSES: Readonly<Record<string, readonly [text: string, hint?: string]>> = {
  EACCES: ['permission denied', 'run it as root: sudo crt …'],
  EPERM: ['not permitted', 'run it as root: sudo crt …'],
  EROFS: ['the file system is read-only', 'set CRT_STATE_DIR and CRT_LAYERS_DIR to folders that can be written'],
  ENOSPC: ['the disk is full, or out of inodes', 'free some space: df -h, df -i'],
  EDQUOT: ['the disk quota is used up'],
  EMFILE: ['this process has too many open files', 'raise the limit: ulimit -n'],
  ENFILE: ['the machine has too many open files'],
  EFBIG: ['the file size limit of this process is too small', 'raise the limit: ulimit -f'],
  ENAMETOOLONG: ['the path is too long'],
  EIO: ['the disk reported an error', 'see dmesg'],
};

/** Of which the check of the folder would not tell: another does, or none, for a limit of this process. */
const CHECKS: Readonly<Record<string, UserError['check']>> = {
  ENOSPC: 'disk-space',
  EDQUOT: 'disk-space',
  EMFILE: undefined,
  ENFILE: undefined,
  EFBIG: undefined,
  ENAMETOOLONG: undefined,
};

/** What keeps even root from it (ioctl_iflags(2)). */
function refusedToRoot(error: unknown): (typeof CAUSES)[string] | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'EPERM' || path === undefined || process.geteuid?.() !== 0) return undefined;
  const folder = dirname(path);
  return ['not permitted, not even to root', `the folder may be immutable: lsattr -d ${folder}; then chattr -i ${folder}`];
}

/**
 * A failed system call as the user's problem: `what: why`, with what to try next where that is known.
 * @param check the check of `crt doctor` for the folder that it is about.
 */
export function systemError(what: string, error: unknown, check: UserError['check'] = 'state-dir'): UserError {
  if (error instanceof UserError) return error;
  const code = codeOf(error) ?? '';
  const [text, hint] = refusedToRoot(error) ?? CAUSES[code] ?? [error instanceof Error ? error.message : String(error)];
  return new UserError(`${what}: ${text}`, {
    cause: error,
    check: code in CHECKS ? CHECKS[code] : check,
    ...(hint === undefined ? {} : { hint }),
  });
}
