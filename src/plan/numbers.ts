/** Numbers of the kernel's interface that Node does not name; the same on x86_64 and aarch64. */

/** clone(2) flags by OCI namespace type. */
export const CLONE_FLAGS = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
  time: 0x00000080,
} as const;

/** MOUNT_ATTR_ bits of mount_setattr(2) by the mount option that asks for them. */
export const MOUNT_ATTRS: Readonly<Record<string, number>> = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
};

/** Mount options that say what is the default anyway, or how the source is copied: nothing to tell the kernel. */
export const SILENT_OPTIONS: ReadonlySet<string> = new Set([
  'rw',
  'suid',
  'dev',
  'exec',
  'relatime',
  'atime',
  'diratime',
  'bind',
  'rbind',
  'private',
  'rprivate',
  'idmap',
  'ridmap',
]);

export const MS_SLAVE = 1 << 19;
/** open(2); not O_DIRECTORY, which has another number on aarch64. */
export const O_PATH = 0x200000;
export const SIGKILL = 9;
