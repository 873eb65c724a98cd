import type { Capabilities, Device, DeviceRule, Mount, Namespace, Rlimit } from './types.js';

/** How many user and group ids a container has: 0 to 65535, all that a distribution knows. */
export const IDS = 65536;

/** Namespaces of every container, beside the user namespace, which takes ids of the host's. */
export const DEFAULT_NAMESPACES: readonly Namespace[] = [
  { type: 'mount' },
  { type: 'pid' },
  { type: 'network' },
  { type: 'uts' },
  { type: 'ipc' },
  { type: 'cgroup' },
];

/** Mounts of every container, parents first; the words are those of mount(8), tmpfs(5) and the kernel's devpts text. */
export const DEFAULT_MOUNTS: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  // gid 5 is tty in every distribution that crt knows; mode 0620 lets write(1) and nobody else in.
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] },
];

/** OCI runtime specification, config-linux.md, "Default Devices", but for console and ptmx, which are made from devpts. */
export const DEFAULT_DEVICES: readonly Device[] = [
  device('/dev/null', 1, 3),
  device('/dev/zero', 1, 5),
  device('/dev/full', 1, 7),
  device('/dev/random', 1, 8),
  device('/dev/urandom', 1, 9),
  device('/dev/tty', 5, 0),
];

function device(path: string, major: number, minor: number): Device {
  return { type: 'c', path, major, minor, fileMode: 0o666, uid: 0, gid: 0 };
}

/**
 * The device filter of a container that has these devices: they, the terminals of its own devpts, and making any node, which is
 * harmless as long as it cannot be opened. Everything else is denied (OCI config-linux.md; the rules of the other runtimes).
 */
export function deviceRules(devices: readonly Device[] = []): DeviceRule[] {
  const all = [...DEFAULT_DEVICES, ...devices.filter((own) => !DEFAULT_DEVICES.some((usual) => isSame(own, usual)))];
  return [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    // A FIFO is no device.
    ...all.flatMap(({ type, major, minor }): DeviceRule[] =>
      type === 'p' ? [] : [{ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: 'rwm' }],
    ),
    // /dev/console, /dev/ptmx, /dev/pts.
    { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
    { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
    { allow: true, type: 'c', major: 136, access: 'rwm' },
  ];
}

function isSame(one: Device, other: Device): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

/** What of /proc and /sys tells about, or reaches, the host beyond any namespace; docker's list. */
const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

/** The paths to cover. @param cpus processors of the machine: each has a folder with readings of its own temperature. */
export function maskedPaths(cpus: number): string[] {
  const throttle = Array.from({ length: cpus }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`);
  return [...MASKED_PATHS, ...throttle];
}

/** Shown, never written. */
export const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What root inside may do; inheritable and ambient stay empty, or every program would inherit them (CVE-2022-29162). */
const KEPT = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
];

/** A fresh value each time: a config may be changed by whoever asked for it. */
export function defaultCapabilities(): Required<Capabilities> {
  return { bounding: [...KEPT], effective: [...KEPT], permitted: [...KEPT], inheritable: [], ambient: [] };
}

/** A core dump could go to a pipe handler of the host (core(5)). */
export const DEFAULT_RLIMITS: readonly Rlimit[] = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }];

/** New files are 0644, whatever the caller's umask was. */
export const DEFAULT_UMASK = 0o022;
/** Processes and threads; podman's number. */
export const DEFAULT_PIDS_LIMIT = 2048;
/** Where programs are looked for, docker's value. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** PATH, HOSTNAME and, with a terminal, TERM. HOME comes from the passwd file inside: the helper sets it. */
export function defaultEnv(hostname: string, tty: boolean): Record<string, string> {
  return { PATH: DEFAULT_PATH, HOSTNAME: hostname, ...(tty ? { TERM: 'xterm' } : {}) };
}
