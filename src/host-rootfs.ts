import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type HostPath, toHostPath } from './plan/step.js';
import type { Mount } from './spec/types.js';
import { systemError } from './state/failure.js';
import { randomName } from './state/file.js';
import { ensureRoot, makeFolders, type Roots } from './state/roots.js';

/**
 * The `host` rootfs: this machine's own /usr, read-only, under a skeleton of fresh folders, as `systemd-nspawn --volatile=yes`
 * does it. Nothing of /home, /root, /var, /srv and /opt is in it. Of /etc only what programs in /usr cannot do without, and
 * nothing secret: /etc/ssl/private stays outside.
 */
export interface HostRootfs {
  /** The skeleton: the overlay's lower layer. Named by its content and kept for the next run, a few kilobytes. */
  readonly directory: HostPath;
  readonly entries: readonly SkeletonEntry[];
  readonly mounts: readonly Mount[];
  /** Makes the skeleton when it is not there yet. @throws UserError when the disk is full or read-only. */
  make(): void;
}

/** A folder, file or link of the skeleton. */
export type SkeletonEntry = { readonly path: string } & (
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly content: string }
);

const directory = (path: string, mode = 0o755): SkeletonEntry => ({ path, kind: 'directory', mode });
const file = (path: string, content = '', mode = 0o644): SkeletonEntry => ({ path, kind: 'file', mode, content });
const link = (path: string, content: string): SkeletonEntry => ({ path, kind: 'link', content });

/** On a merged /usr these are links into it; elsewhere directories, bound like /usr itself. */
const TOP = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Debian reaches programs through /etc/alternatives; the loader, TLS and terminals have their data in /etc. */
const BOUND = [
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/ca-certificates',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust/extracted',
  '/etc/terminfo',
  '/etc/services',
  '/etc/protocols',
];

/** pam.conf(5): root may do anything, others have a password. */
function pamLine(kind: string): string {
  return `${kind === 'auth' ? 'auth sufficient pam_rootok.so\n' : ''}${kind} required pam_unix.so\n`;
}

const FIXED: readonly SkeletonEntry[] = [
  ...[
    '/dev',
    '/etc',
    '/etc/pam.d',
    '/etc/ssl',
    '/home',
    '/mnt',
    '/opt',
    '/proc',
    '/run',
    '/srv',
    '/sys',
    '/usr',
    '/var',
    '/var/cache',
    '/var/lib',
    '/var/log',
    '/var/spool',
  ].map((path) => directory(path)),
  directory('/root', 0o700),
  directory('/tmp', 0o1777),
  directory('/var/tmp', 0o1777),
  link('/var/run', '/run'),
  link('/var/lock', '/run/lock'),
  link('/etc/os-release', '../usr/lib/os-release'),
  link('/etc/mtab', '../proc/self/mounts'),
  file(
    '/etc/passwd',
    'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  ),
  file('/etc/group', 'root:x:0:\ndaemon:x:1:\nbin:x:2:\ntty:x:5:\nshadow:x:42:\nutmp:x:43:\nnogroup:x:65534:\n'),
  file('/etc/shadow', 'root:*:1::::::\ndaemon:*:1::::::\nbin:*:1::::::\nnobody:*:1::::::\n', 0o600),
  file(
    '/etc/nsswitch.conf',
    'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n',
  ),
  // su, chpasswd and useradd want these; the host's own may tell more than is anybody's business here.
  file('/etc/pam.d/other', ['auth', 'account', 'password', 'session'].map(pamLine).join('')),
  file('/etc/login.defs', 'UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\nENCRYPT_METHOD SHA512\n'),
  file('/etc/bash.bashrc', '[ -z "$PS1" ] || PS1=\'\\u@\\h:\\w\\$ \'\n'),
  file('/etc/hostname'),
  file('/etc/hosts'),
  file('/etc/resolv.conf'),
];

/** What the `host` rootfs is on this machine. Reads a dozen names, makes nothing. */
export function hostRootfs(roots: Roots): HostRootfs {
  const tops = TOP.flatMap(topEntry);
  const bound = BOUND.filter((path) => existsSync(path));
  const places = bound.flatMap(placeFor);
  const entries = [...FIXED, ...tops, ...places];
  const digest = createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16);
  const target = toHostPath(`${roots.layers}/.host-${digest}`);
  const binds = ['/usr', ...tops.filter((entry) => entry.kind === 'directory').map((entry) => entry.path), ...bound];
  return {
    directory: target,
    entries,
    mounts: binds.map((path) => ({ destination: path, type: 'bind', source: path, options: ['rbind', 'rprivate', 'ro', 'nodev'] })),
    make: () => makeSkeleton(roots, target, entries),
  };
}

function topEntry(path: string): SkeletonEntry[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return [link(path, readlinkSync(path))];
  return stat?.isDirectory() ? [directory(path)] : [];
}

/** An empty thing of the same kind to mount on, with its parents. */
function placeFor(path: string): SkeletonEntry[] {
  const parents = path
    .split('/')
    .slice(2, -1)
    .map((_, index, parts) => directory(`/etc/${parts.slice(0, index + 1).join('/')}`));
  const isDirectory = lstatSync(path).isDirectory();
  return [...parents.filter((parent) => !FIXED.some((entry) => entry.path === parent.path)), isDirectory ? directory(path) : file(path)];
}

/** Filled aside and renamed into place: whoever finds it finds it whole, and of two makers one wins. */
function makeSkeleton(roots: Roots, target: HostPath, entries: readonly SkeletonEntry[]): void {
  if (existsSync(target)) return;
  ensureRoot(roots.layers, 'layers-dir');
  const temporary = `${roots.layers}/.host-new-${randomName()}`;
  try {
    mkdirSync(temporary, { mode: 0o755 });
    chmodSync(temporary, 0o755);
    for (const entry of entries) makeEntry(`${temporary}${entry.path}`, entry);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(target)) throw systemError(`cannot make the skeleton of the host rootfs, ${target}`, error, 'layers-dir');
  }
}

function makeEntry(path: string, entry: SkeletonEntry): void {
  if (entry.kind === 'link') {
    symlinkSync(entry.content, path);
    return;
  }
  if (entry.kind === 'directory') makeFolders(path);
  else writeFileSync(path, entry.content);
  // Apart from the umask of whoever runs crt.
  chmodSync(path, entry.mode);
}
