import { lstatSync } from 'node:fs';
import { isFrozen, limitsInForce } from './cgroup/in-force.js';
import { openCgroup } from './cgroup/open.js';
import { find, isFileName } from './find.js';
import { type MountEntry, parseMounts } from './host/mounts.js';
import { probeHost } from './host/probe.js';
import { isAlive, type ProcessIdentity, startTime } from './host/process.js';
import { NAMESPACE_NAMES, namespacesOf, parseIdMap, parseStatusFile, readProcessFile, startedAt } from './host/process-files.js';
import type {
  ContainerInspection,
  InspectedMount,
  InspectedProcess,
  InspectedResources,
  InspectedRestart,
  InspectedState,
} from './inspection.js';
import { readKeptOptions } from './kept-options.js';
import { lostLayers } from './layer.js';
import { shownStatus } from './pause.js';
import type { Config } from './spec/types.js';
import type { ContainerRecord } from './state/record.js';
import { type Roots, stateRoots } from './state/roots.js';
import { readConfig } from './state/started.js';
import { initAlive } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { ownCgroups } from './undo.js';

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
    status: shownStatus(entry),
    problem: entry.problem ?? (entry.init === undefined ? undefined : problem) ?? null,
    state: stateOf(entry, seen === undefined ? undefined : pid, own),
    resources: resourcesOf(entry, own),
    cgroups: (entry.record?.cgroupPaths ?? []).map((path) => ({ path, exists: own.includes(path) })),
    namespaces: seen?.namespaces ?? null,
    mounts: seen?.mounts ?? null,
    users: seen?.users ?? null,
    restart: restartOf(entry),
    processes: { owner: processOf(entry.record?.owner), monitor: processOf(entry.monitor) ?? seen?.monitor ?? null },
    paths: { state: entry.directory, log: logOf(entry) },
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
          upper: isFolder(`${layer}/upper`) ? `${layer}/upper` : null,
          work: isFolder(`${layer}/work`) ? `${layer}/work` : null,
        }
      : null,
    loosened: record?.loosened ?? null,
    keep: record?.keep ?? null,
  };
}

/** False where writes are kept in memory, or go to the rootfs itself: the layer's directory then holds a log, or nothing. */
function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A restart has emptied /run: the layer was kept. */
function withoutFolder(): Omit<ContainerInspection, keyof ReturnType<typeof describe> | 'status'> {
  const state = {
    pid: null,
    startedAt: null,
    running: false,
    paused: false,
    exitCode: null,
    reason: null,
    signal: null,
    oomKilled: false,
    oomKills: null,
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
    restart: null,
    processes: { owner: null, monitor: null },
    paths: { state: null, log: null },
    config: null,
  };
}

function stateOf({ init, exit }: Entry, pid: number | undefined, own: readonly string[]): InspectedState {
  return {
    pid: pid ?? null,
    startedAt: (pid === undefined || init === undefined ? undefined : startedAt(init.startTime)) ?? null,
    running: pid !== undefined,
    paused: pid !== undefined && isFrozen(own),
    exitCode: exit?.exitCode ?? null,
    reason: exit?.reason ?? null,
    signal: exit?.signal ?? null,
    oomKilled: exit?.reason === 'oom',
    oomKills: exit?.oomKills ?? null,
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

/** Of a container in the background: its options are kept with its layer. */
function restartOf({ record, restart }: Entry): InspectedRestart | null {
  const kept = record && readKeptOptions(record);
  if (record === undefined || kept === undefined) return null;
  const { on = 'no', retries = null } = kept.restart ?? {};
  return {
    policy: on,
    retries,
    starts: record.start,
    count: restart?.count ?? 0,
    due: restart?.due ?? null,
    error: restart?.error ?? null,
  };
}

/** Its name is crt's, and nothing is followed: only whether it is there is asked. */
function logOf({ record }: Entry): string | null {
  const path = record?.layer === undefined ? undefined : `${record.layer}/log`;
  return path !== undefined && lstatSync(path, { throwIfNoEntry: false })?.isFile() ? path : null;
}

function toMount({ mountpoint, fstype, source, root, options, superOptions }: MountEntry): InspectedMount {
  return { target: mountpoint, type: fstype, source, root, options, superOptions };
}

function processOf(identity: ProcessIdentity | undefined): InspectedProcess | null {
  return identity === undefined ? null : { pid: identity.pid, alive: isAlive(identity) };
}
