import { accessSync, constants, lstatSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from './errors.js';
import { asRoot, shellWord } from './format/shell-word.js';
import { holdingMount, type MountEntry } from './host/mounts.js';
import { type HostPath, toHostPath } from './plan/step.js';

/** A root file system that was chosen, and how. */
export interface Rootfs {
  readonly kind: 'directory' | 'host';
  /** The directory; `/` for the `host` rootfs, of which only /usr is shown. */
  readonly path: HostPath;
  /** For people and for the state: the path, or `host`. */
  readonly label: string;
  /** Set when it was not named: which one was taken. */
  readonly notice: string | undefined;
  /** stat(2) of the directory, for the layer's root. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface RootfsContext {
  /** The directory itself is written to. */
  readonly writable: boolean;
  readonly mounts: readonly MountEntry[];
}

const USUAL = '/ubuntu_rootfs';
/** File systems that overlayfs(5) cannot take as a lower layer, or that change under it. */
const NOT_BELOW_OVERLAY: ReadonlySet<string> = new Set([
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'devpts',
  'vfat',
  'exfat',
  'msdos',
  'autofs',
]);

/** Folders of the machine itself, and homes: /usr looks like a rootfs. */
const OF_MACHINE = /^\/((bin|boot|dev|etc|lib[^/]*|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)(\/local)?|home(\/[^/]+)?)?$/;

/** Whether a command that crt shows may change a path: it is in a directory that is a rootfs and nothing else. */
export function isOfRootfs(path: string, { kind, path: rootfs }: Rootfs, mounts: readonly MountEntry[]): boolean {
  if (kind === 'host' || OF_MACHINE.test(rootfs) || mounts.some(({ mountpoint }) => mountpoint === rootfs)) return false;
  // A sticky bit: of many users, as /tmp.
  if (((statSync(rootfs, { throwIfNoEntry: false })?.mode ?? 0o1000) & 0o1000) !== 0) return false;
  if (!['bin', 'usr'].some((name) => lstatSync(`${rootfs}/${name}`, { throwIfNoEntry: false }))) return false;
  try {
    return `${realpathSync(path)}/`.startsWith(`${rootfs}/`);
  } catch {
    return false;
  }
}

/**
 * The first that applies of: the one that was named, `CRT_ROOTFS`, /ubuntu_rootfs when it is there, `host`.
 * @throws UserError when it is no directory, or nothing in it could be run.
 */
export function chooseRootfs(named: string | undefined, env: NodeJS.ProcessEnv, options: RootfsContext): Rootfs {
  if (named !== undefined) return checkRootfs(named, undefined, options);
  if (env.CRT_ROOTFS) return checkRootfs(env.CRT_ROOTFS, `the rootfs is ${env.CRT_ROOTFS} (CRT_ROOTFS)`, options);
  if (statSync(USUAL, { throwIfNoEntry: false })) return checkRootfs(USUAL, `the rootfs is ${USUAL}`, options);
  return checkRootfs('host', "the rootfs is `host`: this machine's own /usr, read-only, with fresh /etc, /tmp, /root and /var", options);
}

function checkRootfs(named: string, notice: string | undefined, { writable, mounts }: RootfsContext): Rootfs {
  if (named === 'host') {
    if (writable)
      throw new UserError('writableRootfs: the `host` rootfs is put together for each run: there is no directory to write to', {
        hint: 'leave out --writable-rootfs, or name a --rootfs DIR',
      });
    return { kind: 'host', path: toHostPath('/'), label: 'host', notice, mode: 0o755, uid: 0, gid: 0 };
  }
  // The option that named it, where one did.
  const what = notice === undefined ? 'rootfs:' : 'the rootfs';
  const path = openable(named, what);
  const mount = holdingMount(path, mounts);
  if (mount?.options.includes('noexec')) {
    throw new UserError(`${what} ${path} is on a file system that is mounted noexec: nothing in it can run`, {
      ...asRoot([`mount -o remount,exec ${shellWord(mount.mountpoint)}`], 'copy it to a file system where programs may run'),
      check: 'rootfs',
    });
  }
  if (mount && !writable && NOT_BELOW_OVERLAY.has(mount.fstype)) {
    throw new UserError(`${what} ${path} is on ${mount.fstype}, which cannot lie below an overlay`, {
      hint: 'copy it to another file system, or use --writable-rootfs',
      check: 'rootfs',
    });
  }
  const { mode, uid, gid } = statSync(path);
  return { kind: 'directory', path, label: path, notice, mode, uid, gid };
}

function openable(named: string, what: string): HostPath {
  if (named.includes('\0')) throw new UserError(`${what} the path carries a NUL byte`);
  const path = resolve(named);
  try {
    const stat = statSync(path);
    if (!stat.isDirectory())
      throw new UserError(`${what} ${path} is not a directory`, {
        hint: 'name the directory that holds bin, etc and usr',
        check: 'rootfs',
      });
    accessSync(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'is not there'
        : code === 'EACCES'
          ? 'may not be entered'
          : `cannot be opened (${String(code)})`;
    throw new UserError(`${what} ${path} ${why}`, {
      hint: 'for a first try leave it out: crt then takes what it finds',
      check: 'rootfs',
      cause: error,
    });
  }
  const real = realpathSync(path);
  if (real === '/')
    throw new UserError(`${what} / is the host's own root`, { hint: "`--rootfs host` shows the host's programs without its data" });
  return toHostPath(real);
}
