import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './errors.js';
import { exitCodeOf } from './exit-code.js';
import { find } from './find.js';
import { shellWord } from './format/shell-word.js';
import { isAlive, isStoppedProcess } from './host/process.js';
import { readKeptOptions } from './kept-options.js';
import { Control } from './launch/control.js';
import { initAlive, isCaredFor, isSame, status } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { type UndoContext, undoContext } from './undo.js';

/** Milliseconds between two looks where nobody can tell: a container without a monitor. */
export const INTERVAL = 20;

export interface WaitOptions {
  /** Aborting ends the waiting, and the answer is null. */
  readonly signal?: AbortSignal;
}

/**
 * Waits for the end of a container, and until what it has made on the host is undone.
 * @returns its exit code, as a shell reports it; of a stopped one that of its last end; null when nobody saw it.
 * @throws NoContainerError; UserError for a damaged record
 */
export async function wait(name: string, { signal }: WaitOptions = {}, context: UndoContext = undoContext()): Promise<number | null> {
  let entry = find(name, context.roots);
  if (entry.problem !== undefined) throw new UserError(`${name} is damaged: ${entry.problem}`, { hint: `crt rm -f ${name}` });
  for (;;) {
    // Of one that is being started nobody can be asked yet.
    const isStarting = status(entry) === 'creating';
    const seen = isStarting ? await delay(INTERVAL, null) : await ending(entry, signal, context);
    const now = read(context.roots, name);
    if (now === undefined || !isSame(now, entry) || signal?.aborted) return seen;
    if (!isStarting && now.exit !== undefined) return now.exit.exitCode;
    // Nobody saw this end, and the next start has come already: then its end is waited for.
    if (!isStarting && (seen !== null || now.record?.start === entry.record?.start)) return seen;
    entry = now;
  }
}

/** Resolves when it has ended and is cleaned up, with the exit code that its monitor told. */
async function ending(entry: Entry, signal: AbortSignal | undefined, context: UndoContext): Promise<number | null> {
  if (/^(stopped|restarting)$/.test(status(entry)) && entry.exit !== undefined) return entry.exit.exitCode;
  // Before it may be gone with its layer.
  const isReaping = (entry.record && readKeptOptions(entry.record)?.init) ?? false;
  const control = await Control.open(entry.directory, entry.inode);
  const close = (): void => control?.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    // Asked before we look: the monitor writes the end down, and then tells it to all who have asked. One that is written it tells nobody.
    const told = control?.wait();
    told?.catch(() => {});
    const now = read(context.roots, entry.name);
    const ended = (now !== undefined && isSame(now, entry) ? now.ended : undefined) ?? (await told);
    await settled(entry, context, signal);
    return ended === undefined ? null : exitCodeOf(ended, isReaping).exitCode;
  } finally {
    signal?.removeEventListener('abort', close);
    close();
  }
}

/** A monitor that lives has work to do, unless it waits for the next start: until it is gone nobody else may start the container. */
function isSettled(entry: Entry): boolean {
  if (!isCaredFor(entry)) return true;
  return entry.exit !== undefined && (entry.monitor === undefined || entry.restart?.due !== undefined);
}

/** Milliseconds that a dead container's monitor has to clean up; of hundreds that end at once each waits for its turn. */
const CLEANUP_PATIENCE = 60_000;
/** The same for a monitor that is stopped: nothing will come of it. */
const STOPPED_PATIENCE = 2_000;

/** The same, for one that has ended or was killed. @throws UserError when it is not cleaned up in time */
export async function untilSettled(entry: Entry, context: Pick<UndoContext, 'roots'>): Promise<void> {
  const over = new AbortController();
  const end = settled(entry, context, over.signal);
  const { monitor, name } = entry;
  for (let waited = 0; !(await isFirst(end, STOPPED_PATIENCE)); ) {
    waited += STOPPED_PATIENCE;
    const isStopped = monitor !== undefined && isStoppedProcess(monitor.pid);
    if (!isStopped && waited < CLEANUP_PATIENCE) continue;
    over.abort();
    const who = monitor === undefined ? 'whoever runs it' : `its monitor, process ${monitor.pid},`;
    throw new UserError(`${name} is not cleaned up: ${who} ${isStopped ? 'is stopped by a signal' : 'does not get on with it'}`, {
      hint: `${isStopped ? `kill -CONT ${monitor?.pid}, or: ` : ''}crt rm -f ${shellWord(name)}`,
    });
  }
}

/** Whether it comes within so many milliseconds. */
export async function isFirst(end: Promise<void>, ms: number): Promise<boolean> {
  const abort = new AbortController();
  const late = delay(ms, false, { signal: abort.signal }).catch(() => false);
  const first = await Promise.race([end.then(() => true), late]);
  abort.abort();
  return first;
}

/** Resolves when nobody has anything to do about this start of the container any more. */
export async function settled(entry: Entry, { roots }: Pick<UndoContext, 'roots'>, signal?: AbortSignal): Promise<void> {
  while (signal?.aborted !== true) {
    const now = read(roots, entry.name);
    if (now === undefined || !isSame(now, entry) || now.record?.start !== entry.record?.start) {
      // Its folder has the name no more, and whoever cared for it may still be at work on it.
      if (entry.monitor === undefined || !isAlive(entry.monitor)) return;
    } else if (!initAlive(now) && isSettled(now)) return;
    await delay(INTERVAL);
  }
}
