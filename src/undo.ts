import { lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { destroyCgroup } from './cgroup/destroy.js';
import type { CgroupDirectory } from './cgroup/driver.js';
import { thawToDie } from './cgroup/freezer.js';
import { limitCounters } from './cgroup/limit-counters.js';
import { UserError } from './errors.js';
import { exitOf } from './exit.js';
import { shellWord } from './format/shell-word.js';
import { bootId, isAlive, type ProcessIdentity } from './host/process.js';
import { releaseIds } from './ids.js';
import { type HelperVerbs, helperVerbs } from './launch/verbs.js';
import { layersOf, removeLayer } from './layer.js';
import { type HostPath, toHostPath } from './plan/step.js';
import { codeOf, systemError } from './state/failure.js';
import { removeFolder, writeByRename } from './state/file.js';
import { type JournalEvent, journal } from './state/journal.js';
import { withUndoLock } from './state/lock.js';
import { waitUntil } from './state/pause.js';
import type { ExitRecord } from './state/record.js';
import { type Roots, stateRoots } from './state/roots.js';
import { initAlive, isCaredFor, isKept, isOrphaned, isSame, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { temporaryPath } from './state/temporary.js';

/*
 * Everything that a container changes on the host is undone from its state folder alone, in the reverse order of its
 * making: processes, cgroups, layer, folder. Any of them may be missing: a start can be killed between any two of them,
 * and so can an undo. What could hurt, and why it does not:
 *
 * - Two undoers at once: the undo lock (state/lock.ts). Nothing is judged before it is held.
 * - A new container of the same name beside us: it can take the name only when the folder is gone from it, and only the
 *   holder of the lock moves the folder, after all else is undone. It moves it in one step (rename(2)) to a temporary
 *   name, so the new folder is never the one that is being emptied; whoever dies while emptying leaves a temporary
 *   folder that has no effects any more and that any sweep removes.
 * - We were called for a container that is gone, and its name is taken again: the folder is judged afresh under the lock,
 *   by its owner's life or by the container's id; a living stranger's is left alone ('alive').
 * - Somebody else's cgroup of the same path: only directories whose inode was written down are entered. When the crash
 *   came before that, they hold no process of ours (cgroup.json is written before anyone joins): a plain rmdir(2), which
 *   the kernel refuses while any process is in there. Nobody is ever killed on the word of a path.
 * - A pid that was reused, a folder from before a restart: a process is a pid, a start time and a boot.
 */

/** What undo works on and with. */
export interface UndoContext {
  readonly roots: Roots;
  readonly verbs: HelperVerbs;
}

export interface UndoOptions {
  /** The id of the record: the caller is the supervisor of this container. */
  readonly claim?: string;
  /** The container that is meant: another one of the same name is left alone. */
  readonly expect?: Entry;
  /** `crt rm`: take a kept layer too, and what is corrupt. */
  readonly discard?: boolean;
  /** `crt rm -f`: even with a living supervisor, unless it is still setting the container up. */
  readonly force?: boolean;
}

/** `gone`: there was nothing (any more). `alive`: its supervisor lives, nothing was done. `kept`: only layer and record are left. */
export interface Undone {
  readonly outcome: 'gone' | 'alive' | 'kept' | 'undone';
  /** True when its init had to be killed. */
  readonly killed: boolean;
  readonly cgroups: readonly HostPath[];
  readonly layers: readonly HostPath[];
}

/** The real roots and the real helper. @throws UserError for a bad CRT_STATE_DIR or CRT_LAYERS_DIR */
export function undoContext(env: NodeJS.ProcessEnv = process.env): UndoContext {
  return { roots: stateRoots(env), verbs: helperVerbs() };
}

/**
 * Undoes what a container did to the host, from its state folder. Can be called at any stage and any number of times.
 * Without options it acts only for a dead supervisor.
 * @throws UserError when something could not be undone; what is left stays visible to `crt ps` and `crt rm`.
 */
export function undo(directory: HostPath, context: UndoContext, options: UndoOptions = {}): Undone {
  const nothing: Undone = { outcome: 'gone', killed: false, cgroups: [], layers: [] };
  const name = basename(directory);
  const roots: Roots = { state: toHostPath(dirname(directory)), layers: context.roots.layers };
  const act = (self: ProcessIdentity): Undone => {
    const entry = read(roots, name);
    if (entry === undefined) return nothing;
    // Ours, and we cannot see what to undo: nothing is done, and not in silence.
    if (options.claim !== undefined && entry.record === undefined)
      throw new UserError(`cannot clean up ${name}: ${entry.problem}`, { hint: `crt rm -f ${name}`, check: 'leftovers' });
    if (isOther(entry, options)) return nothing;
    if (!mayUndo(entry, options)) return { ...nothing, outcome: 'alive' };
    const end = unseenEnd(entry, options);
    const undone = undoLocked(entry, { roots, verbs: context.verbs, self }, options);
    if (end !== undefined) journal(roots, end);
    return undone;
  };
  return withUndoLock(directory, act) ?? nothing;
}

/** For the journal: the end of a container that did run, of which no supervisor of it has told. The counters go with the cgroup. */
function unseenEnd(entry: Entry, { claim }: UndoOptions): Omit<JournalEvent, 'time'> | undefined {
  const isUnseen = entry.monitor !== undefined || (claim === undefined && isOrphaned(entry));
  if (!isUnseen || entry.init === undefined || entry.exit !== undefined) return undefined;
  const { exitCode, signal, reason } = exitOf(entry);
  const counters = limitCounters(ownCgroups(entry).map(({ path }) => path));
  return { event: 'exit', name: entry.name, id: entry.record?.id ?? '', exitCode, signal, reason, ...counters };
}

/** Ends a running container's processes and nothing else: its supervisor then clears up. Does nothing for any other container. */
export function killContainer(container: Entry, verbs: HelperVerbs): void {
  // Under the lock, because so the supervisor cannot remove the cgroup, and a next container make it anew, while we kill.
  withUndoLock(container.directory, () => {
    const entry = read({ state: toHostPath(dirname(container.directory)) }, container.name);
    if (entry === undefined || !isSame(entry, container)) return;
    const files = ownCgroups(entry).map(({ path }) => `${path}/cgroup.procs`);
    for (const { path } of ownCgroups(entry)) thawToDie(path);
    if (files.length > 0) verbs.kill(files);
    endInit(entry, verbs);
  });
}

/** Cgroup directories that this container made, that is: in this boot, and still of the same inode. */
export function ownCgroups(entry: Entry): readonly CgroupDirectory[] {
  if (entry.cgroups?.bootId !== bootId()) return [];
  return entry.cgroups.directories.filter(({ path, inode }) => lstatSync(path, { throwIfNoEntry: false })?.ino === inode);
}

function isOther(entry: Entry, { claim, expect }: UndoOptions): boolean {
  if (claim !== undefined && entry.record?.id !== claim) return true;
  return expect !== undefined && !isSame(expect, entry);
}

function mayUndo(entry: Entry, { claim, discard, force }: UndoOptions): boolean {
  if (claim !== undefined || isOrphaned(entry)) return true;
  if (discard !== true) return false;
  switch (status(entry)) {
    case 'creating':
      return false;
    case 'running':
    case 'restarting':
      return force === true;
    case 'stopped':
      // Its supervisor may just be clearing up; but what is recorded as ended is ready to be taken.
      return force === true || entry.exit !== undefined || (entry.record !== undefined && !isCaredFor(entry));
    default:
      return true;
  }
}

function undoLocked(entry: Entry, context: UndoContext & { readonly self: ProcessIdentity }, { discard }: UndoOptions): Undone {
  try {
    // Before the counters go with the cgroup.
    const exit = exitOf(entry);
    const { killed, cgroups } = undoProcesses(entry, context.verbs);
    if (isKept(entry) && discard !== true) {
      settle(entry, exit);
      return { outcome: 'kept', killed, cgroups, layers: [] };
    }
    const layers = undoLayers(entry, context);
    if (entry.record !== undefined) releaseIds(context.roots, entry.record);
    dispose(entry, temporaryPath(context.roots, entry.name, context.self));
    return { outcome: 'undone', killed, cgroups, layers };
  } catch (error) {
    if (error instanceof UserError && error.hint !== undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`cannot clean up ${entry.name}: ${reason}`, {
      hint: `crt rm -f ${shellWord(entry.name)}`,
      check: 'leftovers',
      cause: error,
    });
  }
}

function undoProcesses(entry: Entry, verbs: HelperVerbs): { killed: boolean; cgroups: readonly HostPath[] } {
  const killed = initAlive(entry);
  const own = ownCgroups(entry);
  destroyCgroup(own, (procs) => verbs.kill(procs));
  // Also for an init that somebody moved out of its cgroup.
  if (killed) endInit(entry, verbs);
  const empty = entry.cgroups === undefined ? removeEmptyCgroups(entry) : [];
  return { killed, cgroups: [...own.map(({ path }) => path), ...empty] };
}

/** The crash came between mkdir(2) and the note of the inodes: takes only what is empty and where this record said it would be. */
function removeEmptyCgroups(entry: Entry): readonly HostPath[] {
  if (entry.record?.owner.bootId !== bootId()) return [];
  const paths = entry.record.cgroupPaths.filter((path) => path.split('/').includes(entry.name));
  return [...paths].reverse().filter((path) => {
    try {
      rmdirSync(path);
      return true;
    } catch {
      // Not there, or not empty and so not ours.
      return false;
    }
  });
}

const SIGKILL = 9;
/** Milliseconds. A killed process is gone in a few, unless it hangs in the kernel. */
const KILL_PATIENCE = 10_000;

function endInit(entry: Entry, verbs: HelperVerbs): void {
  const { init } = entry;
  if (init === undefined || !isAlive(init)) return;
  try {
    verbs.signal(init.pid, init.startTime, SIGKILL);
  } catch (error) {
    // It may have ended by itself between our look and the helper's.
    if (isAlive(init)) throw error;
  }
  if (waitUntil(() => !isAlive(init), KILL_PATIENCE)) return;
  throw new UserError(`process ${init.pid} of ${entry.name} does not die`, {
    hint: `see where it hangs: cat /proc/${init.pid}/stack`,
    check: 'leftovers',
  });
}

function undoLayers(entry: Entry, { roots }: UndoContext): readonly HostPath[] {
  const { record } = entry;
  // With a record that cannot be read the layers themselves say whose they are.
  const paths =
    record === undefined ? layersOf(roots, entry.name).map(({ layer }) => layer) : record.layer === undefined ? [] : [record.layer];
  return paths.filter((path) => removeLayer(roots.layers, path));
}

/** Notes how it ended, and that nothing is left to undo. */
function settle(entry: Entry, exit: ExitRecord): void {
  if (entry.exit === undefined) writeByRename(entry.directory, 'exit.json', JSON.stringify({ version: 1, ...exit }));
  writeByRename(entry.directory, 'cgroup.json', JSON.stringify({ version: 1, bootId: bootId(), directories: [] }));
}

function dispose(entry: Entry, temporary: HostPath): void {
  try {
    renameSync(entry.directory, temporary);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw systemError(`cannot remove ${entry.directory}`, error);
  }
  removeFolder(temporary);
}

/** Removes what stands in the place of a state folder and is none: a file, a symlink (never what it points to). */
export function removeStray(entry: Entry): void {
  try {
    unlinkSync(entry.directory);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw systemError(`cannot remove ${entry.directory}`, error);
  }
}
