import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './errors.js';
import { find, findRunning, type RunningEntry } from './find.js';
import { isAlive } from './host/process.js';
import { Control } from './launch/control.js';
import { forbidRestart, tryToForbid } from './restart.js';
import { send } from './signal-container.js';
import { waitUntil } from './state/pause.js';
import { isCaredFor, isSame, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { type UndoContext, undoContext } from './undo.js';
import { INTERVAL, isFirst, untilSettled } from './wait.js';

export interface StopOptions {
  /** Milliseconds from the first signal to SIGKILL; default 10,000. */
  readonly timeout?: number;
  /** The first signal; default SIGTERM. */
  readonly signal?: NodeJS.Signals;
}

/**
 * Ends a container: a signal, then SIGKILL. Returns when it has ended and what it made on the host is undone. It is not started again by
 * itself. Nothing happens to one that is stopped already.
 * @throws NoContainerError; UserError when it cannot be ended
 */
export async function stop(name: string, options: StopOptions = {}, context: UndoContext = undoContext()): Promise<void> {
  const { timeout = 10_000, signal = 'SIGTERM' } = options;
  if (!Number.isFinite(timeout) || timeout < 0) throw new UserError('timeout: milliseconds, 0 or more');
  let entry = find(name, context.roots);
  // Its monitor may be just about to start it again: then it is that start which is to end.
  while (status(entry) === 'restarting' || (status(entry) === 'creating' && (entry.record?.start ?? 1) > 1)) {
    forbidRestart(entry, context);
    if (status(entry) === 'restarting') await wakeMonitor(entry);
    else await delay(INTERVAL);
    const now = read(context.roots, name);
    if (now === undefined || !isSame(now, entry)) return;
    entry = now;
  }
  if (status(entry) === 'leftover') return;
  // Its monitor may still be cleaning up, and about to decide what is next.
  if (status(entry) === 'stopped') {
    if (isCaredFor(entry)) tryToForbid(entry, context);
    await untilSettled(entry, context);
    const now = read(context.roots, name);
    return now === undefined || !isSame(now, entry) || status(now) === 'stopped' ? undefined : stop(name, options, context);
  }
  const running = findRunning(name, context.roots);
  tryToForbid(running, context);
  const over = new AbortController();
  const end = death(running, over.signal);
  try {
    await attempt(() => send(running, constants.signals[signal], context), running);
    if (!(await isFirst(end, timeout))) await attempt(() => send(running, constants.signals.SIGKILL, context), running);
    await untilSettled(running, context);
  } finally {
    over.abort();
  }
}

/** Of PID 1, whoever cleans up after it. */
async function death({ init }: RunningEntry, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && isAlive(init)) await delay(INTERVAL);
}

/** It may have ended by itself between our look and the signal. */
async function attempt(work: () => Promise<void>, { init }: RunningEntry): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!waitUntil(() => !isAlive(init), 1000)) throw error;
  }
}

/** It waits for the moment of the next start, and is to ask again. */
export async function wakeMonitor(entry: Entry): Promise<void> {
  const control = await Control.open(entry.directory, entry.inode);
  if (control === undefined) return;
  await control.request('signal', 0).catch(() => {});
  // Not longer: it may be the monitor of the next start by now.
  await isFirst(control.gone(), 1000);
  control.close();
}
