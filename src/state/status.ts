import { isAlive, type ProcessIdentity } from '../host/process.js';
import type { Entry } from './store.js';

export type Status = 'creating' | 'running' | 'restarting' | 'stopped' | 'leftover' | 'corrupt';

/**
 * What a state folder means now; derived each time, so that it is right after any crash and any reboot.
 * `stopped`: its init has ended and its record is kept, or its supervisor is about to clear up.
 * `restarting`: its monitor waits for the moment to start it again.
 * `leftover`: nobody takes care of it any more.
 */
export function status(entry: Entry): Status {
  if (entry.record === undefined) return 'corrupt';
  if (initAlive(entry)) return 'running';
  if (isKept(entry) && entry.exit !== undefined) return entry.restart?.due !== undefined && isCaredFor(entry) ? 'restarting' : 'stopped';
  if (!isCaredFor(entry)) return 'leftover';
  return entry.init === undefined && entry.exit === undefined ? 'creating' : 'stopped';
}

/** Who undoes what the container has made: its supervisor, and once that has left its monitor. */
export function caretaker(entry: Entry): ProcessIdentity | undefined {
  return entry.monitor ?? entry.record?.owner;
}

/** True while somebody lives who will clean up after it. */
export function isCaredFor(entry: Entry): boolean {
  const process = caretaker(entry);
  return process !== undefined && isAlive(process);
}

/** True while the container's PID 1 lives. */
export function initAlive(entry: Entry): boolean {
  return entry.init !== undefined && isAlive(entry.init);
}

/** True when the container did run and was asked to keep its layer: `crt rm` alone ends that. */
export function isKept(entry: Entry): boolean {
  if (entry.record?.keep !== true) return false;
  return entry.init !== undefined || entry.exit !== undefined || entry.record.start > 1;
}

/**
 * True when the supervisor is dead and left something to undo. That includes a container that still runs: one in the
 * foreground dies with its supervisor, and its monitor may be dead too.
 */
export function isOrphaned(entry: Entry): boolean {
  if (entry.record === undefined || isCaredFor(entry)) return false;
  const settled = isKept(entry) && entry.exit !== undefined && entry.cgroups?.directories.length === 0;
  return !settled;
}

/** True when both were read from the same container, not from two that had the same name one after the other. */
export function isSame(a: Entry, b: Entry): boolean {
  if (a.record !== undefined && b.record !== undefined) return a.record.id === b.record.id;
  return a.record === b.record && a.inode === b.inode;
}
