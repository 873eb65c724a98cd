import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * What /proc tells of one process (proc_pid(5)). Only files whose path no container can bend: nothing below /proc/PID/root or cwd is
 * opened, and links are read, never followed.
 */

/** Linux's names of the namespace files, as OCI configs call them. */
export const NAMESPACE_FILES = {
  mount: 'mnt',
  pid: 'pid',
  network: 'net',
  uts: 'uts',
  ipc: 'ipc',
  cgroup: 'cgroup',
  user: 'user',
  time: 'time',
} as const;
export type NamespaceName = keyof typeof NAMESPACE_FILES;
export const NAMESPACE_NAMES = Object.keys(NAMESPACE_FILES) as readonly NamespaceName[];

/** undefined when the process is gone, or must not be looked at. */
export function readProcessFile(pid: number | 'self', file: string): string | undefined {
  return attempt(() => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
}

/** Inode numbers of the namespaces that a process is in; those that the kernel does not have, or does not show, are left out. */
export function namespacesOf(pid: number | 'self'): Partial<Record<NamespaceName, number>> {
  const found: Partial<Record<NamespaceName, number>> = {};
  for (const name of NAMESPACE_NAMES) {
    const inode = Number(/\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/ns/${NAMESPACE_FILES[name]}`)) ?? '')?.[1]);
    if (Number.isSafeInteger(inode)) found[name] = inode;
  }
  return found;
}

/** The root folder of a process, as it is called in its own mount namespace: `/`, unless it has called chroot(2). Read, never followed. */
export function rootOf(pid: number): string | undefined {
  return attempt(() => readlinkSync(`/proc/${pid}/root`));
}

/** Processes that this /proc shows. */
export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number);
}

/** `Name:\tvalue` lines, as /proc/PID/status has them. */
export function parseStatusFile(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^(\w+):[ \t]*(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()]));
}

/** One line of /proc/PID/uid_map or gid_map. */
export interface IdRange {
  readonly inside: number;
  /** As the user namespace of the reader counts. */
  readonly outside: number;
  readonly count: number;
}

export function parseIdMap(text: string): IdRange[] {
  return [...text.matchAll(/^ *(\d+) +(\d+) +(\d+)$/gm)].map(([, inside, outside, count]) => ({
    inside: Number(inside),
    outside: Number(outside),
    count: Number(count),
  }));
}

/** A limit of /proc/PID/limits by its name there; undefined = unlimited. Missing when there is no such line. */
export function parseLimit(
  limits: string,
  name: string,
): { readonly soft: bigint | undefined; readonly hard: bigint | undefined } | undefined {
  const line = limits.split('\n').find((text) => text.startsWith(`${name}  `));
  const [, soft, hard] = /^(\d+|unlimited) +(\d+|unlimited)/.exec(line?.slice(name.length).trim() ?? '') ?? [];
  if (soft === undefined || hard === undefined) return undefined;
  return { soft: soft === 'unlimited' ? undefined : BigInt(soft), hard: hard === 'unlimited' ? undefined : BigInt(hard) };
}

/** An open file of a process. */
export interface Descriptor {
  readonly fd: number;
  /** What the kernel calls it: a path, `pipe:[8]`, `anon_inode:[eventfd]`. For people: a path is of the process's own view. */
  readonly target: string;
  /** The mount that it was opened on (mountinfo(5), field 1). */
  readonly mount: number | undefined;
}

/** At most `limit` of them; undefined when the process is gone. */
export function descriptorsOf(pid: number, limit: number): readonly Descriptor[] | undefined {
  const names = attempt(() => readdirSync(`/proc/${pid}/fd`));
  return names?.slice(0, limit).flatMap((fd) => {
    const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const info = readProcessFile(pid, `fdinfo/${fd}`);
    // Closed meanwhile.
    if (target === undefined || info === undefined) return [];
    return [{ fd: Number(fd), target, mount: parseMountId(info) }];
  });
}

/** From the text of a file of /proc/PID/fdinfo (proc_pid_fdinfo(5)): the mount that a descriptor was opened on. */
export function parseMountId(info: string): number | undefined {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
  return mount === undefined ? undefined : Number(mount);
}

/** USER_HZ: what the kernel counts start times in, on every machine that crt runs on. */
const TICKS = 100;

/** When a process began, as ISO 8601, UTC: the kernel counts from its boot, to about a second. @param ticks field 22 of /proc/PID/stat */
export function startedAt(ticks: number): string | undefined {
  const seconds = /^btime (\d+)$/m.exec(attempt(() => readFileSync('/proc/stat', 'utf8')) ?? '')?.[1];
  return seconds === undefined ? undefined : new Date((Number(seconds) + ticks / TICKS) * 1000).toISOString();
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A short supply of our own descriptors is no answer.
    if (code === 'EMFILE' || code === 'ENFILE') throw error;
    return undefined;
  }
}
