import { rmSync } from 'node:fs';
import { checkStartable, startAgain } from './detach.js';
import { UserError } from './errors.js';
import { find, isFileName } from './find.js';
import { isAlive } from './host/process.js';
import { lostLayers } from './layer.js';
import type { DetachedContainer } from './options.js';
import { restore } from './state/claim.js';
import { status } from './state/status.js';
import { read } from './state/store.js';
import { type StopOptions, stop } from './stop.js';
import { type UndoContext, undo, undoContext } from './undo.js';
import { untilSettled } from './wait.js';

/**
 * Starts a stopped container again: with its layer, its user ids and its options. Returns when its command runs.
 * @throws NoContainerError; UserError when it is not stopped, or ran in the foreground; else as `run`
 */
export async function start(name: string, context: UndoContext = undoContext()): Promise<DetachedContainer> {
  restoreLost(name, context);
  const entry = find(name, context.roots);
  // What a crash or a restart of the machine has left is cleaned up first; what is kept of it is a stopped container.
  if (status(entry) === 'leftover') undo(entry.directory, context);
  // Just ended: its monitor cleans up.
  else if (status(entry) === 'stopped') await untilSettled(entry, context);
  const now = find(name, context.roots);
  if (status(now) !== 'stopped' || now.exit === undefined)
    throw new UserError(`${name} is ${status(now)}, and only a stopped container can be started`, { hint: 'crt ps -a' });
  // Its restarts in a row end here.
  rmSync(`${now.directory}/restart.json`, { force: true });
  return startAgain(now, context);
}

/** A restart of the machine empties /run: the layer knows whose it is. */
function restoreLost(name: string, context: UndoContext): void {
  if (!isFileName(name) || read(context.roots, name) !== undefined) return;
  const lost = lostLayers(context.roots, name).find(({ record }) => record.keep && !isAlive(record.owner));
  if (lost) restore(lost.record, { roots: context.roots, repair: (directory) => void undo(directory, context) });
}

/** Stops it, where it runs, and starts it again. @throws as `stop` and `start` */
export async function restart(name: string, options: StopOptions = {}, context: UndoContext = undoContext()): Promise<DetachedContainer> {
  checkStartable(find(name, context.roots));
  await stop(name, options, context);
  return start(name, context);
}
