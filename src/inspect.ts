import { isFrozen, type LimitsInForce, limitsInForce } from './cgroup/in-force.js';
import { openCgroup } from './cgroup/open.js';
import { find, isFileName } from './find.js';
import { type MountEntry, parseMounts } from './host/mounts.js';
import { probeHost } from './host/probe.js';
import { isAlive, type ProcessIdentity, startTime } from './host/process.js';
import {
  type IdRange,
  NAMESPACE_NAMES,
  type NamespaceName,
  namespacesOf,
  parseIdMap,
  parseStatusFile,
  readProcessFile,
  startedAt,
} from './host/process-files.js';
import { lostLayers } from './layer.js';
import type { Config } from './spec/types.js';
import { readConfig } from './state/config.js';
import type { ContainerRecord } from './state/record.js';
import { type Roots, stateRoots } from './state/roots.js';
import { initAlive, type Status, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { ownCgroups } from './undo.js';

/** All that is known of one container. null is what is not known, or does not apply: it does not run, or its record is damaged. */
export interface ContainerInspection {
  readonly name: string;
  /** Tells it from an earlier or later one of the same name. */
  readonly id: string | null;
  /** ISO 8601, UTC. */
  readonly created: string | null;
  /** Derived now, never remembered. */
  readonly status: Status;
  /** What is wrong with its record, for people. */
  readonly problem: string | null;
  readonly state: InspectedState;
  /** As it was asked for; the first 64 KiB of each word. */
  readonly command: readonly string[] | null;
  readonly rootfs: InspectedRootfs | null;
  readonly resources: InspectedResources | null;
  /** Its cgroup directories. `exists`: it is there, and still the one that was made for it. */
  readonly cgroups: readonly { readonly path: string; readonly exists: boolean }[];
  /** Of its PID 1, by the names of OCI configs; null when it does not run. */
  readonly namespaces: Readonly<Partial<Record<NamespaceName, InspectedNamespace>>> | null;
  /** What its PID 1 sees mounted, in the kernel's order. */
  readonly mounts: readonly InspectedMount[] | null;
  readonly users: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] } | null;
  /** Each way in which it was asked to be less strict than the defaults, in the words of docs/security.md. */
  readonly loosened: readonly string[] | null;
  /** The layer is kept after the end, until `crt rm`. */
  readonly keep: boolean | null;
  readonly processes: {
    /** The `crt` that started it. */
    readonly owner: InspectedProcess | null;
    /** The helper that is the parent of its PID 1. */
    readonly monitor: InspectedProcess | null;
  };
  readonly paths: { readonly state: string | null; readonly log: string | null };
  /** The OCI runtime config that it was started by, whole. */
  readonly config: Config | null;
}

export interface InspectedState {
  /** Of its PID 1, as the host numbers it; null when it does not run. */
  readonly pid: number | null;
  /** ISO 8601, UTC; to a second. */
  readonly startedAt: string | null;
  readonly paused: boolean;
  /** 0 to 255; null while it runs, or when nobody saw the end. */
  readonly exitCode: number | null;
  /** `exit`, `signal`, `oom`, `timeout`, `canceled`, `lost`. */
  readonly reason: string | null;
  readonly signal: string | null;
  /** The memory limit has ended its PID 1. */
  readonly oomKilled: boolean;
  readonly finishedAt: string | null;
}

export interface InspectedRootfs {
  readonly label: string;
  /** `directory`, `host` … */
  readonly kind: string;
  /** The directory below, which is never written to unless that was asked for. */
  readonly lower: string | null;
  /** The writable layer's own directory; null when writes are kept in memory, or go to the rootfs itself. */
  readonly layer: string | null;
  /** What it has written. */
  readonly upper: string | null;
  readonly work: string | null;
}

export interface InspectedResources {
  readonly limits: LimitsInForce;
  readonly usage: {
    /** Bytes. */
    readonly memory: number | null;
    /** Bytes, the most so far. */
    readonly memoryPeak: number | null;
    /** Processes and threads. */
    readonly pids: number | null;
    /** Processes that the memory limit has killed. */
    readonly oomKills: number | null;
  };
}

export interface InspectedNamespace {
  /** Inode number: two processes with the same one share it. */
  readonly inode: number;
  /** Of whoever asks. */
  readonly host: number | null;
  readonly isOwn: boolean;
}

export interface InspectedMount {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  /** The folder of that file system that is shown. */
  readonly root: string;
  readonly options: readonly string[];
  readonly superOptions: readonly string[];
}

export interface InspectedProcess {
  readonly pid: number;
  readonly alive: boolean;
}

/**
 * Looks a container up and tells all of it. Nothing is changed: a leftover is shown as it lies.
 * @throws NoContainerError; UserError when the state cannot be read: not root
 */
export function inspect(name: string, roots: Roots = stateRoots()): ContainerInspection {
  const lost = isFileName(name) && read(roots, name) === undefined ? lostLayers(roots, name)[0] : undefined;
  if (lost !== undefined) return { ...describe(name, { ...lost.record, layer: lost.layer }), status: 'stopped', ...withoutFolder() };
  const entry = find(name, roots);
  const { config, problem } = readConfig(entry.directory);
  const own = ownCgroups(entry).map(({ path }) => path);
  const pid = initAlive(entry) ? entry.init?.pid : undefined;
  const seen = pid === undefined ? undefined : lookAt(entry, pid);
  return {
    ...describe(name, entry.record, config),
    status: status(entry),
    problem: entry.problem ?? (entry.init === undefined ? undefined : problem) ?? null,
    state: stateOf(entry, seen === undefined ? undefined : pid, own),
    resources: resourcesOf(entry, own),
    cgroups: (entry.record?.cgroupPaths ?? []).map((path) => ({ path, exists: own.includes(path) })),
    namespaces: seen?.namespaces ?? null,
    mounts: seen?.mounts ?? null,
    users: seen?.users ?? null,
    processes: { owner: processOf(entry.record?.owner), monitor: seen?.monitor ?? null },
    paths: { state: entry.directory, log: null },
    config: config ?? null,
  };
}

/** What the record says by itself. */
function describe(
  name: string,
  record: Omit<ContainerRecord, 'cgroupPaths'> | undefined,
  config?: Config,
): Pick<ContainerInspection, 'name' | 'id' | 'created' | 'command' | 'rootfs' | 'loosened' | 'keep'> {
  const layer = record?.layer ?? null;
  return {
    name,
    id: record?.id ?? null,
    created: record?.created ?? null,
    command: record?.command ?? null,
    rootfs: record
      ? {
          label: record.rootfs,
          kind: record.rootfsKind,
          lower: config?.root.path ?? null,
          layer,
          upper: layer && `${layer}/upper`,
          work: layer && `${layer}/work`,
        }
      : null,
    loosened: record?.loosened ?? null,
    keep: record?.keep ?? null,
  };
}

/** A restart has emptied /run: the layer was kept. */
function withoutFolder(): Omit<ContainerInspection, keyof ReturnType<typeof describe> | 'status'> {
  const state = {
    pid: null,
    startedAt: null,
    paused: false,
    exitCode: null,
    reason: null,
    signal: null,
    oomKilled: false,
    finishedAt: null,
  };
  return {
    problem: null,
    state,
    resources: null,
    cgroups: [],
    namespaces: null,
    mounts: null,
    users: null,
    processes: { owner: null, monitor: null },
    paths: { state: null, log: null },
    config: null,
  };
}

function stateOf({ init, exit }: Entry, pid: number | undefined, own: readonly string[]): InspectedState {
  return {
    pid: pid ?? null,
    startedAt: (pid === undefined || init === undefined ? undefined : startedAt(init.startTime)) ?? null,
    paused: pid !== undefined && isFrozen(own),
    exitCode: exit?.exitCode ?? null,
    reason: exit?.reason ?? null,
    signal: exit?.signal ?? null,
    oomKilled: exit?.reason === 'oom',
    finishedAt: exit?.finished ?? null,
  };
}

function resourcesOf(entry: Entry, own: readonly string[]): InspectedResources | null {
  if (own.length === 0 || entry.record === undefined) return null;
  const stats = openCgroup(probeHost().cgroup, entry.name, {}).stats();
  return {
    limits: limitsInForce(own),
    usage: {
      memory: stats.memoryUsage ?? null,
      memoryPeak: stats.memoryPeak ?? null,
      pids: stats.pids ?? null,
      oomKills: stats.oomKills ?? null,
    },
  };
}

type Seen = Pick<ContainerInspection, 'namespaces' | 'mounts' | 'users'> & { readonly monitor: InspectedProcess | null };

/** What /proc says of its PID 1; undefined when it ended meanwhile: what was read may then be of whoever has its number now. */
function lookAt({ init }: Entry, pid: number): Seen | undefined {
  const [own, host] = [namespacesOf(pid), namespacesOf('self')];
  const parent = Number(parseStatusFile(readProcessFile(pid, 'status') ?? '').get('PPid'));
  const seen: Seen = {
    namespaces: Object.fromEntries(
      NAMESPACE_NAMES.flatMap((name) => {
        const inode = own[name];
        return inode === undefined ? [] : [[name, { inode, host: host[name] ?? null, isOwn: inode !== host[name] }]];
      }),
    ),
    mounts: parseMounts(readProcessFile(pid, 'mountinfo') ?? '').map(toMount),
    users: { uid: parseIdMap(readProcessFile(pid, 'uid_map') ?? ''), gid: parseIdMap(readProcessFile(pid, 'gid_map') ?? '') },
    monitor: parent > 0 ? { pid: parent, alive: startTime(parent) !== undefined } : null,
  };
  return init !== undefined && isAlive(init) ? seen : undefined;
}

function toMount({ mountpoint, fstype, source, root, options, superOptions }: MountEntry): InspectedMount {
  return { target: mountpoint, type: fstype, source, root, options, superOptions };
}

function processOf(identity: ProcessIdentity | undefined): InspectedProcess | null {
  return identity === undefined ? null : { pid: identity.pid, alive: isAlive(identity) };
}
