/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), octal escapes undone. */
export interface MountEntry {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system: two mounts with the same one show the same files. */
  readonly device: string;
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  readonly mountpoint: string;
  /** Options of this mount: `ro`, `nosuid`, `nodev`, `noexec`. */
  readonly options: readonly string[];
  readonly fstype: string;
  readonly source: string;
  /** Options of the file system behind it. */
  readonly superOptions: readonly string[];
}

/** All mounts of a mountinfo text, in its order. Lines of another shape are left out. */
export function parseMounts(mountinfo: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of mountinfo.split('\n')) {
    const entry = parseLine(line);
    if (entry) entries.push(entry);
  }
  return entries;
}

function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parent, device, root, mountpoint, options] = fields;
  const [fstype, source, superOptions] = fields.slice(dash + 1);
  if (dash < 0 || !id || !parent || !device || !root || !mountpoint || !options || !fstype || source === undefined) return undefined;
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescapeOctal(root),
    mountpoint: unescapeOctal(mountpoint),
    options: options.split(','),
    fstype,
    source: unescapeOctal(source),
    superOptions: (superOptions ?? '').split(','),
  };
}

/** The kernel writes space, tab, newline, backslash and `#` as `\040` and the like. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The mount that holds `path`. The path must be absolute and canonical (realpath(3)): symlinks are not followed.
 * @returns undefined when no mount of the list holds it.
 */
export function findMount(path: string, mountinfo: string): MountEntry | undefined {
  return holdingMount(path, parseMounts(mountinfo));
}

/** As {@link findMount}, over parsed entries: for callers that ask more than once. */
export function holdingMount(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  let current = rootMount(mounts);
  if (!current) return longestPrefix(path, mounts);
  // Walks down as the kernel does: a mount under one that was covered later is never reached. Each step goes to a child, so it ends.
  for (let steps = 0; steps < mounts.length; steps++) {
    const next = firstCrossed(path, current, mounts);
    if (!next) break;
    current = next;
  }
  return current;
}

function firstCrossed(path: string, current: MountEntry, mounts: readonly MountEntry[]): MountEntry | undefined {
  let first: MountEntry | undefined;
  for (const mount of mounts) {
    if (mount.parent !== current.id || mount === current || !isUnder(path, mount.mountpoint)) continue;
    if (!first || mount.mountpoint.length < first.mountpoint.length) first = mount;
  }
  return first;
}

function rootMount(mounts: readonly MountEntry[]): MountEntry | undefined {
  const ids = new Set(mounts.map((mount) => mount.id));
  return mounts.find((mount) => mount.mountpoint === '/' && (mount.parent === mount.id || !ids.has(mount.parent)));
}

/** In a chroot whose root is no mount the tree has no top; the last of the longest is then the best answer. */
function longestPrefix(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  let best: MountEntry | undefined;
  for (const mount of mounts) {
    if (isUnder(path, mount.mountpoint) && mount.mountpoint.length >= (best?.mountpoint.length ?? 0)) best = mount;
  }
  return best;
}

function isUnder(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
