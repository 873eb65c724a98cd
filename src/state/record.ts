import type { CgroupDirectory } from '../cgroup/driver.js';
import type { ProcessIdentity } from '../host/process.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { Fields } from './decode.js';
import { CorruptFile } from './file.js';

/** What state.json says: written once, by the supervisor, before anything else on the host is touched. */
export interface ContainerRecord {
  readonly version: 1;
  /** Random; tells this container from an earlier or later one of the same name. */
  readonly id: string;
  readonly name: string;
  /** The supervisor. */
  readonly owner: ProcessIdentity;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** The root file system, as people should read it. */
  readonly rootfs: string;
  /** How the rootfs was found: `directory`, `host` … */
  readonly rootfsKind: string;
  /** For people; long ones are cut, config.json has it whole. */
  readonly command: readonly string[];
  /** Bytes. */
  readonly memoryLimit?: number;
  /** What will be made, parents first. */
  readonly cgroupPaths: readonly HostPath[];
  /** The writable layer's own directory. */
  readonly layer?: HostPath;
  /** The first of the host's user and group ids that stand for 0 to 65535 inside; undefined without a user namespace. */
  readonly ids?: number;
  /** The layer, and with it the name, is kept after the exit until `crt rm`. */
  readonly keep: boolean;
  /** Which start of this container it is, from 1; what an earlier one has written beside this file counts no more. */
  readonly start: number;
  /** Each way in which this container was asked to be less strict than the defaults. */
  readonly loosened: readonly string[];
}

/** A process of one start of a container: its init in the file `pid`, its monitor, once the supervisor has left, in `monitor`. */
export interface StartedProcess extends ProcessIdentity {
  readonly start: number;
}

/** What `cgroup.json` says: the directories that were made, in this boot. */
export interface CgroupRecord {
  readonly bootId: string;
  readonly directories: readonly CgroupDirectory[];
}

/** What `exit.json` says. */
export interface ExitRecord {
  /** 0 to 255 as a shell reports it; null when nobody saw the end (the supervisor was killed). */
  readonly exitCode: number | null;
  /** `SIGKILL` …, null when no signal ended the command. */
  readonly signal: string | null;
  /** `exit`, `signal`, `oom`, `timeout`, `canceled`; `lost` when nobody saw it. */
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly finished: string;
  /** Kills by the memory limit while it ran. */
  readonly oomKills: number;
  readonly start: number;
}

/** What `restart.json` says: written by what the monitor starts when the container has ended. */
export interface RestartRecord {
  /** The start whose end it is about. */
  readonly start: number;
  /** Restarts in a row, the next one included. */
  readonly count: number;
  /** Milliseconds from the end to the next start. */
  readonly wait: number;
  /** When the next start is due, ISO 8601, UTC; undefined: there is none, somebody has stopped it or its number of tries is used up. */
  readonly due?: string;
  /** Why the start before it failed. */
  readonly error?: string;
}

/** cli.md: the hostname, the cgroup's name and the state folder's. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ID = /^[0-9a-f]{16}$/;
/** PID_MAX_LIMIT of a 64-bit kernel, proc_sys_kernel(5). */
const MAX_PID = 2 ** 22;

/** @throws CorruptFile unless the value is a record of the container called `name`. */
export function decodeRecord(value: unknown, name: string): ContainerRecord {
  const fields = new Fields(value);
  fields.version(1);
  if (fields.text('name', NAME_PATTERN) !== name) throw new CorruptFile('belongs to a container of another name');
  const record = {
    version: 1 as const,
    id: fields.text('id', ID),
    name,
    owner: decodeIdentity(fields.object('owner')),
    created: fields.instant('created'),
    rootfs: fields.text('rootfs'),
    rootfsKind: fields.text('rootfsKind'),
    command: fields.texts('command'),
    cgroupPaths: fields.texts('cgroupPaths').map((path) => decodePath(path, 'cgroupPaths')),
    keep: fields.flag('keep'),
    start: decodeStart(fields),
    loosened: fields.texts('loosened'),
  };
  return {
    ...record,
    ...(fields.get('memoryLimit') === undefined ? {} : { memoryLimit: fields.integer('memoryLimit', 0) }),
    ...(fields.get('ids') === undefined ? {} : { ids: fields.integer('ids', 0x70000000, 0x7ffdffff) }),
    ...(fields.get('layer') === undefined ? {} : { layer: fields.path('layer') }),
  };
}

/** @throws CorruptFile */
export function decodeProcess(value: unknown): StartedProcess {
  const fields = new Fields(value);
  return { ...decodeIdentity(fields), start: decodeStart(fields) };
}

/** @throws CorruptFile */
export function decodeCgroups(value: unknown): CgroupRecord {
  const fields = new Fields(value);
  fields.version(1);
  const directories = fields.list('directories').map((entry) => {
    const directory = new Fields(entry, 'directories');
    return { path: directory.path('path'), inode: directory.integer('inode', 1, Number.MAX_VALUE) };
  });
  return { bootId: fields.text('bootId', BOOT_ID), directories };
}

/** @throws CorruptFile */
export function decodeExit(value: unknown): ExitRecord {
  const fields = new Fields(value);
  fields.version(1);
  return {
    exitCode: fields.get('exitCode') === null ? null : fields.integer('exitCode', 0, 255),
    signal: fields.get('signal') === null ? null : fields.text('signal', /^SIG[A-Z0-9+-]{1,16}$/),
    reason: fields.text('reason', /^[a-z]{1,32}$/),
    finished: fields.instant('finished'),
    oomKills: fields.get('oomKills') === undefined ? 0 : fields.integer('oomKills', 0),
    start: decodeStart(fields),
  };
}

/** What an older crt has written does not say it. */
function decodeStart(fields: Fields): number {
  return fields.get('start') === undefined ? 1 : fields.integer('start', 1);
}

/** @throws CorruptFile */
export function decodeRestart(value: unknown): RestartRecord {
  const fields = new Fields(value);
  fields.version(1);
  return {
    start: fields.integer('start', 1),
    count: fields.integer('count', 0),
    wait: fields.integer('wait', 0),
    ...(fields.get('due') === undefined ? {} : { due: fields.instant('due') }),
    ...(fields.get('error') === undefined ? {} : { error: fields.text('error') }),
  };
}

function decodeIdentity(fields: Fields): ProcessIdentity {
  return {
    pid: fields.integer('pid', 1, MAX_PID),
    startTime: fields.integer('startTime', 0),
    bootId: fields.text('bootId', BOOT_ID),
    ...(fields.get('pidNamespace') === undefined ? {} : { pidNamespace: fields.integer('pidNamespace', 1) }),
  };
}

function decodePath(path: string, field: string): HostPath {
  if (!path.startsWith('/') || path.includes('\0')) throw new CorruptFile(`${field} is not valid`);
  return toHostPath(path);
}
