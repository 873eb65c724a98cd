import { posix } from 'node:path';
import { UserError } from '../errors.js';
import { quote, show } from './quote.js';

/** Made by crt itself inside every container: a mount over one would hide it, or land on what its link points to. */
const OWN = ['/dev', '/dev/console', '/dev/fd', '/dev/full', '/dev/null', '/dev/ptmx', '/dev/random', '/dev/stderr', '/dev/stdin'];
const OWN_MORE = ['/dev/stdout', '/dev/tty', '/dev/urandom', '/dev/zero', '/sys'];
const RESERVED: ReadonlySet<string> = new Set([...OWN, ...OWN_MORE]);
/** Nothing at or under these. */
const RESERVED_TREES = ['/dev/pts', '/sys/fs/cgroup'];

/**
 * The place of a mount inside, without `.`, `..`, doubled and trailing slashes.
 * @param what the flag or field, for the message
 * @throws UserError when it is not absolute, is `/`, or is where crt's own mounts are.
 */
export function checkTarget(target: unknown, what: string): string {
  const path = checkAbsolute(target, what);
  if (path === '/')
    throw new UserError(`${what}: a mount on / would hide the container's root`, { hint: 'choose the root with --rootfs DIR' });
  checkNotProc(path, what);
  if (RESERVED.has(path) || RESERVED_TREES.some((tree) => isWithin(path, tree))) {
    throw new UserError(`${what}: ${quote(path)} is crt's own inside a container`, { hint: 'choose another place, for example /data' });
  }
  return path;
}

/**
 * Refuses a mount at or under /proc. What an attacker puts there lifts a mask, or redirects the runtime's own writes to
 * /proc/self/attr, to a sysctl or to oom_score_adj elsewhere (CVE-2019-16884, CVE-2025-52881).
 */
export function checkNotProc(path: string, what: string): void {
  if (!isWithin(path, '/proc')) return;
  throw new UserError(`${what}: ${quote(path)} is in /proc, where only crt mounts`, { hint: 'choose another place, for example /data' });
}

/**
 * An absolute path inside a container, normalised as text: where `..` leads is decided before any rule looks at it.
 * @throws UserError when it is not absolute text without NUL of at most 4095 bytes (PATH_MAX).
 */
export function checkAbsolute(path: unknown, what: string): string {
  const hint = 'an absolute path inside the container, for example /data';
  if (typeof path !== 'string' || !path.startsWith('/')) throw new UserError(`${what}: ${show(path)} is not an absolute path`, { hint });
  checkPathText(path, what);
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** @throws UserError for a NUL, which would cut the path short in the kernel, and for more than PATH_MAX takes. */
export function checkPathText(path: string, what: string): void {
  if (path.includes('\0')) throw new UserError(`${what}: ${quote(path)} holds a NUL character`, { hint: 'no path can' });
  if (Buffer.byteLength(path) > 4095)
    throw new UserError(`${what}: the path ${quote(path, 40)} is longer than 4095 bytes`, { hint: 'the kernel takes no longer one' });
}

function isWithin(path: string, tree: string): boolean {
  return path === tree || path.startsWith(`${tree}/`);
}
