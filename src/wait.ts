import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './errors.js';
import { exitCodeOf } from './exit-code.js';
import { find } from './find.js';
import { isAlive } from './host/process.js';
import { readKeptOptions } from './kept-options.js';
import { Control } from './launch/control.js';
import { initAlive, isCaredFor, isSame, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { type UndoContext, undoContext } from './undo.js';

/** Milliseconds between two looks where nobody can tell: a container without a monitor. */
const INTERVAL = 20;

/**
 * Waits for the end of a container, and until what it has made on the host is undone.
 * @returns its exit code, as a shell reports it; of a stopped one that of its last end; null when nobody saw it.
 * @throws NoContainerError; UserError for a damaged record
 */
export async function wait(name: string, context: UndoContext = undoContext()): Promise<number | null> {
  const entry = find(name, context.roots);
  if (entry.problem !== undefined) throw new UserError(`${name} is damaged: ${entry.problem}`, { hint: `crt rm -f ${name}` });
  const seen = await ending(entry, context);
  const now = read(context.roots, name);
  const exit = now !== undefined && isSame(now, entry) ? now.exit : undefined;
  return exit === undefined ? seen : exit.exitCode;
}

/** Resolves when it has ended and is cleaned up, with the exit code that its monitor told. */
async function ending(entry: Entry, context: UndoContext): Promise<number | null> {
  if (status(entry) === 'stopped' && entry.exit !== undefined) return entry.exit.exitCode;
  const control = await Control.open(entry.directory, entry.inode);
  let code: number | null = null;
  if (control !== undefined) {
    const ended = await control.wait();
    const isReaping = (entry.record && readKeptOptions(entry.record)?.init) ?? false;
    code = ended === undefined ? null : exitCodeOf(ended, isReaping).exitCode;
    // A monitor that will start it again does not go.
    await Promise.race([control.gone(), settled(entry, context)]);
    control.close();
  }
  await settled(entry, context);
  return code;
}

/** Resolves when nobody has anything to do about this start of the container any more. */
export async function settled(entry: Entry, { roots }: Pick<UndoContext, 'roots'>): Promise<void> {
  for (;;) {
    const now = read(roots, entry.name);
    if (now === undefined || !isSame(now, entry) || now.record?.start !== entry.record?.start) {
      // Its folder has the name no more, and whoever cared for it may still be at work on it.
      if (entry.monitor === undefined || !isAlive(entry.monitor)) return;
    } else if (!initAlive(now) && (now.exit !== undefined || !isCaredFor(now))) return;
    await delay(INTERVAL);
  }
}
