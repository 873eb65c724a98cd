import { readFileSync } from 'node:fs';
import { NoContainerError, UserError } from './errors.js';
import { isFileName } from './find.js';
import { shellWord } from './format/shell-word.js';
import { isAlive, isForeign } from './host/process.js';
import { releaseIds } from './ids.js';
import { layerSize, layersOf, lostLayers, removeLayer } from './layer.js';
import type { HostPath } from './plan/step.js';
import { tryToForbid } from './restart.js';
import { journal } from './state/journal.js';
import { waitUntil } from './state/pause.js';
import { caretaker, initAlive, isCaredFor, isOrphaned, isSame, type Status, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { killContainer, ownCgroups, removeStray, type UndoContext, undo, undoContext } from './undo.js';

export interface RemoveOptions {
  /** Kill it when it runs. */
  readonly force?: boolean;
}

/** What `remove` took away. */
export interface Removed {
  readonly name: string;
  /** What it was before. */
  readonly status: Status;
  /** True when its processes were killed. */
  readonly killed: boolean;
  readonly cgroups: readonly HostPath[];
  /** The writable layers, with the bytes they took on disk where that could be told. */
  readonly layers: readonly { readonly path: HostPath; readonly bytes: number | undefined }[];
  /** The state folder; undefined when only a layer was left of the container. */
  readonly directory: HostPath | undefined;
}

/** Milliseconds that a living supervisor has to clear up after its container was killed, or to get on with a start. */
const PATIENCE = 3_000;
/** Milliseconds that a monitor has to go once all is undone. */
const GOING = 1_000;
const SIGKILL = 9;

/**
 * Removes a container's record, its kept layer, and whatever else is left of it. Works on corrupt state too.
 * @throws NoContainerError; UserError when it runs and `force` is not set, or when something cannot be undone.
 */
export function remove(name: string, { force = false }: RemoveOptions = {}, context: UndoContext = undoContext()): Removed {
  const entry = isFileName(name) ? read(context.roots, name) : undefined;
  refuseForeign(entry);
  if (entry === undefined) return removeLost(name, context);
  if (!entry.isFolder) {
    removeStray(entry);
    return { name, status: 'corrupt', killed: false, cgroups: [], layers: [], directory: entry.directory };
  }
  return removeFolder(entry, force, context);
}

/** Its processes have other numbers here, or none. @throws UserError where they may run */
function refuseForeign(entry: Entry | undefined): void {
  const owner = entry?.record?.owner;
  if (owner === undefined || !isForeign(owner) || !isAlive(owner)) return;
  throw new UserError(`${entry?.name} belongs to another pid namespace, and may run there`, { hint: 'remove it from inside that one' });
}

function removeFolder(entry: Entry, force: boolean, context: UndoContext): Removed {
  const before = status(entry);
  const cgroups = ownCgroups(entry).map(({ path }) => path);
  const layers = layersFor(entry, context).map((path) => ({ path, bytes: layerSize(path) }));
  const killed = stop(entry, force, context);
  const undone = undo(entry.directory, context, { discard: true, force, expect: entry });
  if (undone.outcome === 'alive') throw stillStarting(entry);
  endSilentMonitor(entry, context);
  journal(context.roots, { event: 'rm', name: entry.name, id: entry.record?.id ?? '' });
  // What its own supervisor undid at our request counts as removed too.
  return { name: entry.name, status: before, killed: killed || undone.killed, cgroups, layers, directory: entry.directory };
}

function layersFor(entry: Entry, { roots }: UndoContext): readonly HostPath[] {
  if (entry.record === undefined) return layersOf(roots, entry.name).map(({ layer }) => layer);
  return entry.record.layer === undefined ? [] : [entry.record.layer];
}

/** Ends what runs, and lets a living supervisor clear up first: it may want to read the counters. @returns true when processes were killed. */
function stop(entry: Entry, force: boolean, context: UndoContext): boolean {
  // Nobody cares for an orphan, so nobody is asked either.
  if (isOrphaned(entry)) return false;
  if (status(entry) === 'restarting') {
    if (!force) throw stillRunning(entry);
    endMonitor(entry, context);
    return false;
  }
  const busy = isBusy(entry);
  if (busy && !force) throw stillRunning(entry);
  if (busy) {
    if (entry.record !== undefined) tryToForbid(entry, context);
    killContainer(entry, context.verbs);
  }
  if (entry.record !== undefined && entry.exit === undefined) awaitOwner(entry, force, context);
  return busy;
}

/** Nothing is left that it could do; one that is stopped would stay for ever. */
function endSilentMonitor({ monitor }: Entry, { verbs }: UndoContext): void {
  if (monitor === undefined || waitUntil(() => !isAlive(monitor), GOING)) return;
  try {
    verbs.signal(monitor.pid, monitor.startTime, SIGKILL);
  } catch (error) {
    if (isAlive(monitor)) throw error;
  }
  waitUntil(() => !isAlive(monitor), PATIENCE);
}

/** It does nothing but wait for the moment of the next start, and would for up to a minute. */
function endMonitor(entry: Entry, context: UndoContext): void {
  const { monitor } = entry;
  tryToForbid(entry, context);
  if (monitor === undefined || !isAlive(monitor)) return;
  try {
    context.verbs.signal(monitor.pid, monitor.startTime, SIGKILL);
  } catch (error) {
    if (isAlive(monitor)) throw error;
  }
  waitUntil(() => !isAlive(monitor), PATIENCE);
}

/** True when a process of the container lives; also when only its cgroups can tell, because the record is corrupt. */
function isBusy(entry: Entry): boolean {
  return initAlive(entry) || (entry.record === undefined && ownCgroups(entry).some(({ path }) => hasProcesses(path)));
}

function hasProcesses(path: HostPath): boolean {
  try {
    return readFileSync(`${path}/cgroup.procs`, 'utf8') !== '';
  } catch {
    // Removed meanwhile.
    return false;
  }
}

/** Returns when the container is gone, has ended, its supervisor has died, or patience is at its end. */
function awaitOwner(entry: Entry, force: boolean, context: UndoContext): void {
  waitUntil(() => {
    const now = read(context.roots, entry.name);
    if (now === undefined || !isSame(now, entry)) return true;
    if (now.exit !== undefined || now.record === undefined || !isCaredFor(now)) return true;
    if (status(now) !== 'running') return false;
    // A start that has just come to its end: it was "creating" before.
    if (!initAlive(entry) && force) killContainer(now, context.verbs);
    else if (!force) throw stillRunning(now);
    return false;
  }, PATIENCE);
}

/** Nothing holds the name; but a layer may have outlived its record, since a restart empties /run. */
function removeLost(name: string, { roots }: UndoContext): Removed {
  const lost = isFileName(name) ? lostLayers(roots, name) : [];
  if (lost.length === 0) throw new NoContainerError(`there is no container named ${JSON.stringify(name)}`, { hint: 'crt ps -a' });
  const living = lost.find(({ record }) => isAlive(record.owner));
  if (living) {
    const { pid } = living.record.owner;
    throw new UserError(`${name} has lost its state folder, but process ${pid} still runs it`, { hint: `end it first: kill ${pid}` });
  }
  const layers = lost.map(({ layer }) => ({ path: layer, bytes: layerSize(layer) }));
  for (const { path } of layers) removeLayer(roots.layers, path);
  for (const { record } of lost) releaseIds(roots, record);
  for (const { record } of lost) journal(roots, { event: 'rm', name, id: record.id });
  return { name, status: 'stopped', killed: false, cgroups: [], layers, directory: undefined };
}

function stillRunning(entry: Entry): UserError {
  const pid = entry.init === undefined ? '' : ` (pid ${entry.init.pid})`;
  const what = status(entry) === 'restarting' ? 'about to be started again' : `running${pid}`;
  return new UserError(`${entry.name} is ${what}`, { hint: `crt rm -f ${shellWord(entry.name)}` });
}

function stillStarting(entry: Entry): UserError {
  const pid = caretaker(entry)?.pid;
  return new UserError(`${entry.name} is in the hands of process ${pid}, which is starting it or clearing up after it`, {
    hint: `try again, or end that process: kill ${pid}`,
  });
}
