import { isAlive } from '../host/process.js';
import type { Entry } from './store.js';

export type Status = 'creating' | 'running' | 'stopped' | 'leftover' | 'corrupt';

/**
 * What a state folder means now; derived each time, so that it is right after any crash and any reboot.
 * `stopped`: its init has ended and its record is kept, or its supervisor is about to clear up.
 * `leftover`: nobody takes care of it any more.
 */
export function status(entry: Entry): Status {
  if (entry.record === undefined) return 'corrupt';
  if (initAlive(entry)) return 'running';
  if (isKept(entry) && entry.exit !== undefined) return 'stopped';
  if (!isAlive(entry.record.owner)) return 'leftover';
  return entry.init === undefined && entry.exit === undefined ? 'creating' : 'stopped';
}

/** True while the container's PID 1 lives. */
export function initAlive(entry: Entry): boolean {
  return entry.init !== undefined && isAlive(entry.init);
}

/** True when the container did run and was asked to keep its layer: `crt rm` alone ends that. */
export function isKept(entry: Entry): boolean {
  return entry.record?.keep === true && (entry.init !== undefined || entry.exit !== undefined);
}

/**
 * True when the supervisor is dead and left something to undo. That includes a container that still runs: one in the
 * foreground dies with its supervisor, and its monitor may be dead too.
 */
export function isOrphaned(entry: Entry): boolean {
  if (entry.record === undefined || isAlive(entry.record.owner)) return false;
  const settled = isKept(entry) && entry.exit !== undefined && entry.cgroups?.directories.length === 0;
  return !settled;
}

/** True when both were read from the same container, not from two that had the same name one after the other. */
export function isSame(a: Entry, b: Entry): boolean {
  if (a.record !== undefined && b.record !== undefined) return a.record.id === b.record.id;
  return a.record === b.record && a.inode === b.inode;
}
