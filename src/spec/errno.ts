/** errno(3) by number from 1, the same on every architecture that crt runs on (asm-generic/errno-base.h). */
const BASE =
  'EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ' +
  'ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE';

/** Of asm-generic/errno.h those that a filter could sensibly answer. */
const MORE = { ENOSYS: 38, EPROTONOSUPPORT: 93, ESOCKTNOSUPPORT: 94, EOPNOTSUPP: 95, ENOTSUP: 95, EPFNOSUPPORT: 96, EAFNOSUPPORT: 97 };

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...BASE.split(' ').map((name, at) => [name, at + 1] as const),
  ...Object.entries(MORE),
]);

/** The number of `EPERM` …; undefined for a name that is not known here. */
export function errnoOf(name: string): number | undefined {
  return NUMBERS.get(name);
}
