import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { descendants, listPids } from '../cgroup/directory.js';
import { shellWord } from '../format/shell-word.js';
import type { CgroupFacts } from '../host/facts.js';
import { parseMounts } from '../host/mounts.js';
import { bootId, isAlive, isForeign, ownPidNamespace } from '../host/process.js';
import { lostIds } from '../ids.js';
import { lostLayers, nobodysLayers } from '../layer.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { initAlive, isOrphaned } from '../state/status.js';
import { type Entry, read, readAll } from '../state/store.js';
import { lostTemporaries } from '../state/temporary.js';
import type { Context, Fix } from './check.js';
import { isMonitor, isSupervised, type Process, processes } from './processes.js';
import { isThere, standing } from './scratch.js';
import { makerOf } from './scratch-name.js';

/** Something that nobody looks after any more. */
export interface Leftover {
  /** What it is about, the same at each look: a path, a pid. */
  readonly key: string;
  readonly observed: string;
  readonly fix: Fix;
}

type Looking = Pick<Context, 'roots' | 'env' | 'facts' | 'program'>;

/** Everything of crt's that has outlived its supervisor. Only looks. */
export function findLeftovers(context: Looking): readonly Leftover[] {
  const entries = readAll(context.roots);
  const all = processes();
  return [
    // Before what they would look after.
    ...monitors(entries, all),
    ...entries.flatMap((entry) => ofState(entry, context)),
    ...temporaries(context),
    ...layers(context),
    ...ids(context),
    ...cgroups(entries, all, context),
    ...mounts(context),
  ];
}

/** Names of containers of which it cannot be told from here whether they run: another pid namespace has their processes. */
export function unjudged({ roots }: Looking): readonly string[] {
  if (!isNested()) return [];
  return readAll(roots).flatMap(({ name, record }) =>
    record !== undefined && isForeign(record.owner) && isAlive(record.owner) ? name : [],
  );
}

/** Not all processes are seen. */
function isNested(): boolean {
  return ownPidNamespace().pidNamespace !== undefined;
}

function ofState(entry: Entry, context: Looking): Leftover[] {
  const found = { key: entry.directory, fix: { commands: [crt(context, `rm -f -- ${shellWord(entry.name)}`)] } };
  if (entry.record === undefined) return [{ ...found, observed: `${entry.directory} is damaged: ${entry.problem}` }];
  if (!isOrphaned(entry)) return [];
  const running = initAlive(entry) ? `, and process ${entry.init?.pid} of it still runs` : '';
  return [{ ...found, observed: `the supervisor of ${entry.name} (process ${entry.record.owner.pid}) is gone${running}` }];
}

function temporaries(context: Looking): Leftover[] {
  const fix = { commands: [crt(context, 'ps')] };
  return lostTemporaries(context.roots, bootId()).map((path) => ({ key: path, observed: `${path} was being filled or removed`, fix }));
}

/** A kept layer that outlived a restart is none: `crt ps -a` shows it. */
function layers(context: Looking): Leftover[] {
  const { roots } = context;
  const lost = lostLayers(roots).filter(({ record }) => !record.keep && !isAlive(record.owner));
  const unknown = nobodysLayers(roots).filter((layer) => read(roots, nameOf(layer))?.record?.layer !== layer);
  return [
    ...lost.map(({ layer, record }) => ({
      key: layer,
      observed: `the layer ${layer} is left of ${record.name}`,
      fix: { commands: [crt(context, `rm -f -- ${shellWord(record.name)}`)] },
    })),
    ...unknown.map((layer) => ({
      key: layer,
      observed: `the layer ${layer} does not say whose it is`,
      fix: { advice: `see what is in it, then: rm -r --one-file-system ${shellWord(layer)}` },
    })),
  ];
}

/** Without the random part. */
function nameOf(layer: string): string {
  return basename(layer).replace(/\.[^.]*$/, '');
}

function ids(context: Looking): Leftover[] {
  const { length } = lostIds(context.roots);
  if (length === 0) return [];
  const observed = `${length === 1 ? 'a range' : `${length} ranges`} of user ids, claimed by containers that are gone`;
  return [{ key: 'ids', observed, fix: { commands: [crt(context, 'ps')] } }];
}

/**
 * On version 2 all below `crt` is ours. On version 1 a cgroup at the top may be anybody's: only what a layer that is left names, and
 * what a check of ours has made.
 */
function cgroups(entries: readonly Entry[], all: ReadonlyMap<number, Process>, { roots, facts }: Looking): Leftover[] {
  const known = new Set(
    entries.flatMap(({ record, cgroups: made }) => [...(record?.cgroupPaths ?? []), ...(made?.directories ?? []).map(({ path }) => path)]),
  );
  const named = lostLayers(roots)
    .filter(({ record }) => record.owner.bootId === bootId() && !isAlive(record.owner))
    .flatMap(({ record }) => record.cgroupPaths);
  const seen = tops(facts.cgroup).flatMap(({ top, ours }) => children(top).filter((path) => ours || makerOf(basename(path)) !== undefined));
  return [...new Set([...named, ...seen])].filter((path) => isThere(path) && !known.has(path)).flatMap((path) => ofCgroup(path, all));
}

function tops({ mode, hierarchies, unified }: CgroupFacts): { top: HostPath; ours: boolean }[] {
  if (mode === 'v2' && unified) return [{ top: toHostPath(`${unified.mountpoint}/crt`), ours: true }];
  return hierarchies.map(({ mountpoint }) => ({ top: mountpoint, ours: false }));
}

function children(top: HostPath): HostPath[] {
  if (!isThere(top)) return [];
  return readdirSync(top, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? toHostPath(`${top}/${entry.name}`) : []));
}

/** One that another state directory knows of has a monitor above its processes. */
function ofCgroup(path: string, all: ReadonlyMap<number, Process>): Leftover[] {
  const maker = makerOf(basename(path));
  if (maker !== undefined && isAlive({ ...maker, bootId: bootId() })) return [];
  const pids = listPids(path);
  // Of another pid namespace: nobody here can tell whose they are.
  if (pids.includes(0) || (pids.length === 0 && isNested())) return [];
  if (pids.some((pid) => isSupervised(pid, all))) return [];
  const remove = `find ${shellWord(path)} -depth -type d -exec rmdir {} ';'`;
  if (pids.length === 0) return [{ key: path, observed: `the cgroup ${path} belongs to no container`, fix: { commands: [remove] } }];
  const files = [path, ...descendants(path)].map((each) => shellWord(`${each}/cgroup.procs`)).join(' ');
  return [
    {
      key: path,
      observed: `the cgroup ${path} belongs to no container, and ${pids.length} processes are in it`,
      fix: { commands: [`for p in $(cat ${files}); do kill -9 $p; done`, 'sleep 1', remove] },
    },
  ];
}

/** A start mounts only in mount namespaces of its own. */
function mounts({ roots }: Looking): Leftover[] {
  const below = [roots.state, roots.layers].filter((root) => standing(root) === root).map((root) => `${realpathSync(root)}/`);
  const table = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const found = table.filter(({ mountpoint }) => below.some((root) => mountpoint.startsWith(root)));
  return found.map(({ mountpoint, fstype }) => ({
    key: mountpoint,
    observed: `${fstype} is mounted on ${mountpoint}, where crt mounts nothing`,
    fix: { commands: [`umount -l ${shellWord(mountpoint)}`] },
  }));
}

/** Whose supervisor is dead: it should have ended by itself. Below process 1, or above the init of an orphan. */
function monitors(entries: readonly Entry[], all: ReadonlyMap<number, Process>): Leftover[] {
  const orphans = entries
    .filter(isOrphaned)
    .flatMap(({ init }) => (init !== undefined && !isForeign(init) && isAlive(init) ? (all.get(init.pid)?.parent ?? []) : []));
  const isOwner = (pid: number): boolean =>
    entries.some(({ record }) => record !== undefined && record.owner.pid === pid && isAlive(record.owner));
  return [...all.values()]
    .filter((one) => isMonitor(one) && (orphans.includes(one.pid) || (one.parent === 1 && !isOwner(1))))
    .map(({ pid }) => ({
      key: `monitor ${pid}`,
      observed: `the monitor with pid ${pid} (crt-init run) has lost its supervisor, and does not end`,
      fix: { commands: [`kill -9 ${pid}`] },
    }));
}

/** A call of crt that means the same directories. */
function crt({ env, program }: Looking, words: string): string {
  const variables = ['CRT_STATE_DIR', 'CRT_LAYERS_DIR'].flatMap((name) => (env[name] ? `${name}=${shellWord(env[name])} ` : []));
  return `${variables.join('')}${program} ${words}`;
}
