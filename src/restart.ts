import { readFileSync } from 'node:fs';
import { startAgain } from './detach.js';
import { isAlive } from './host/process.js';
import { readKeptOptions } from './kept-options.js';
import { type HostPath, toHostPath } from './plan/step.js';
import { nextRestart } from './restart-policy.js';
import { codeOf } from './state/failure.js';
import { writeByRename } from './state/file.js';
import { withUndoLock } from './state/lock.js';
import type { RestartRecord } from './state/record.js';
import type { Roots } from './state/roots.js';
import { initAlive, isSame } from './state/status.js';
import { type Entry, read } from './state/store.js';
import { killContainer, type UndoContext, undo, undoContext } from './undo.js';

/**
 * What the monitor starts (`crt undo NAME`) when its supervisor has died, or when the container has ended that was left to it: cleans
 * up, and starts it again where that is due. A container that still lives has outlived its time limit: it is killed, thawed where it is
 * frozen, and its monitor sees the end. Does nothing while somebody else cares for the container.
 * @returns milliseconds after which the monitor is to ask again; undefined: never.
 * @throws UserError when something could not be undone
 */
export async function attend(name: string, context: UndoContext = undoContext()): Promise<number | undefined> {
  const directory = toHostPath(`${context.roots.state}/${name}`);
  const entry = read(context.roots, name);
  const monitor = entry?.monitor;
  const isOurs = monitor !== undefined && monitor.pid === process.ppid && isAlive(monitor);
  if (!isOurs || entry?.record === undefined) {
    // This process was the monitor, whose supervisor died between writing that down and leaving.
    const was = monitor?.pid === process.pid && isAlive(monitor) ? entry?.record?.id : undefined;
    undo(directory, context, was === undefined ? {} : { claim: was });
    return undefined;
  }
  if (initAlive(entry)) {
    killContainer(entry, context.verbs);
    return undefined;
  }
  if (entry.exit === undefined) undo(directory, context, { claim: entry.record.id });
  return goOn(entry, directory, context);
}

async function goOn(before: Entry, directory: HostPath, context: UndoContext): Promise<number | undefined> {
  const wait = decide(before, directory, context);
  if (wait === undefined || wait > 0) return wait;
  const entry = read(context.roots, before.name);
  if (entry === undefined) return undefined;
  try {
    await startAgain(entry, context);
    return undefined;
  } catch (error) {
    // As an end that nobody saw: the next try comes later. Where somebody else has taken it, that is not ours any more.
    const now = read(context.roots, before.name);
    return now === undefined || !isSame(now, before) || now.monitor?.pid !== process.ppid
      ? undefined
      : decide(now, directory, context, error instanceof Error ? error.message : String(error));
  }
}

/**
 * Milliseconds until the next start, 0: now. Written down under the lock, which `crt stop` takes to forbid it.
 * @param failure of the start that was due
 */
function decide(before: Entry, directory: HostPath, { roots }: UndoContext, failure?: string): number | undefined {
  return withUndoLock(directory, () => {
    const entry = read(roots, before.name);
    if (entry?.record === undefined || !isSame(entry, before) || entry.exit === undefined) return undefined;
    const { restart, record, exit } = entry;
    if (restart !== undefined && restart.due === undefined) return undefined;
    if (restart?.due !== undefined && failure === undefined) return untilDue(restart, restart.due);
    const last = lastCount(directory);
    const next = nextRestart(readKeptOptions(record)?.restart, exit, failure === undefined ? age(entry) : 0, last);
    const why = failure === undefined ? {} : { error: failure.slice(0, 1000) || 'unknown' };
    if (next !== undefined) write(directory, { start: record.start, ...next, due: new Date(Date.now() + next.wait).toISOString(), ...why });
    else if (failure !== undefined) write(directory, { start: record.start, ...last, ...why });
    return next?.wait;
  });
}

/** Whoever sets the clock back does not put it off for longer. */
function untilDue({ wait }: RestartRecord, due: string): number {
  return Math.min(wait, Math.max(0, Date.parse(due) - Date.now()));
}

/** Says that the container is not to be started again by itself, where it would be. @returns false when it is gone */
export function forbidRestart(entry: Entry, { roots }: { roots: Pick<Roots, 'state'> }): boolean {
  const { on = 'no' } = (entry.record && readKeptOptions(entry.record)?.restart) ?? {};
  if (on === 'no') return true;
  const said = withUndoLock(entry.directory, () => {
    const now = read(roots, entry.name);
    if (now?.record === undefined || !isSame(now, entry)) return false;
    write(entry.directory, { start: now.record.start, count: 0, wait: 0 });
    return true;
  });
  return said ?? false;
}

/** The same; but where it cannot be written down, the disk being full, no restart can be either, and who wants to end it goes on. */
export function tryToForbid(entry: Entry, context: { roots: Pick<Roots, 'state'> }): void {
  try {
    forbidRestart(entry, context);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT', 'EROFS'].includes(codeOf(error) ?? codeOf((error as Error).cause) ?? '')) throw error;
  }
}

function write(directory: HostPath, record: RestartRecord): void {
  writeByRename(directory, 'restart.json', JSON.stringify({ version: 1, ...record }));
}

/** Of the start before, which reading the entry leaves out. */
function lastCount(directory: HostPath): { count: number; wait: number } {
  try {
    const { count, wait } = JSON.parse(readFileSync(`${directory}/restart.json`, 'utf8')) as RestartRecord;
    return Number.isSafeInteger(count) && Number.isSafeInteger(wait) ? { count, wait } : { count: 0, wait: 0 };
  } catch {
    return { count: 0, wait: 0 };
  }
}

/** Milliseconds since its init began (proc_pid_stat(5), clock ticks of 10 ms after the boot). */
function age({ init }: Entry): number {
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
  return init === undefined ? 0 : uptime - init.startTime * 10;
}
