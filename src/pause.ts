import { freeze, isFrozen, thaw } from './cgroup/freezer.js';
import { UserError } from './errors.js';
import { shellWord } from './format/shell-word.js';
import { holdRunning } from './hold.js';
import { journal } from './state/journal.js';
import { initAlive, type Status, status } from './state/status.js';
import type { Entry } from './state/store.js';
import { ownCgroups, type UndoContext, undoContext } from './undo.js';

/**
 * Stops all processes of a container where they are, by the freezer of its cgroup; returns when they stand still. They notice nothing.
 * @throws NoContainerError; UserError when it does not run, is paused already, or cannot be frozen
 */
export function pause(name: string, context: UndoContext = undoContext()): void {
  holdRunning(name, context, (entry) => {
    const paths = pathsOf(entry);
    if (isFrozen(paths) === true) throw new UserError(`${name} is paused already`, { hint: `crt unpause ${shellWord(name)}` });
    freeze(paths, name);
    journal(context.roots, { event: 'pause', name, id: entry.record.id });
  });
}

/**
 * Lets a paused container go on.
 * @throws NoContainerError; UserError when it does not run or is not paused
 */
export function unpause(name: string, context: UndoContext = undoContext()): void {
  holdRunning(name, context, (entry) => {
    const paths = pathsOf(entry);
    if (isFrozen(paths) === false) throw new UserError(`${name} is not paused`, { hint: 'crt ps' });
    thaw(paths, name);
    journal(context.roots, { event: 'unpause', name, id: entry.record.id });
  });
}

/** True while it runs and its processes are told to stand still. The kernel is asked; it is never written down. */
export function isPaused(entry: Entry): boolean {
  return initAlive(entry) && isFrozen(pathsOf(entry)) === true;
}

/** As people see it: a paused container still runs, and all that is true of a running one is true of it. */
export type ShownStatus = Status | 'paused';

export function shownStatus(entry: Entry): ShownStatus {
  const known = status(entry);
  return known === 'running' && isPaused(entry) ? 'paused' : known;
}

function pathsOf(entry: Entry): readonly string[] {
  return ownCgroups(entry).map(({ path }) => path);
}
