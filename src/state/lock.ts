import { readdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { UserError } from '../errors.js';
import { bootId, isAlive, ownPidNamespace, type ProcessIdentity, startTime } from '../host/process.js';
import type { HostPath } from '../plan/step.js';
import { codeOf, systemError } from './failure.js';
import { randomName } from './file.js';
import { pause } from './pause.js';

/*
 * Who may take a state folder apart. Node has no flock(2), and a lock file that is stolen from a dead owner by rename
 * can be stolen twice. So: everybody announces itself by a file of its own, `undo.<random>`, and only then looks. Who
 * sees no other living announcement holds the lock; who sees one withdraws and tries again later. Two can never both
 * hold it: the later of two announcements finds the earlier, since neither is removed while its maker lives and holds.
 * The announcement is a symbolic link whose text is the owner: made whole by one system call, so there is no moment in
 * which a lock has no owner, and the announcement of a dead process counts for nothing.
 *
 * The folder may be replaced by a new container's between our two calls (its holder renames it away, see undo.ts). Then
 * our file is not in the list that we read, and we start over. A stray announcement in a new container's folder costs
 * that container at most a short wait. So every decision about a folder is taken after its lock is held, by reading
 * it again.
 */
const PREFIX = 'undo.';

/**
 * Kept in each state folder for its inode: on a file system that has no other left, an announcement takes its place. It has the
 * words of who claimed the folder, who so needs no second one: it announces itself by giving this the name.
 */
const SPARE = 'spare';

/** Makes what {@link withUndoLock} needs where nothing can be made any more. For a folder that nobody else sees yet. */
export function prepareUndoLock(directory: HostPath, owner: ProcessIdentity): void {
  symlinkSync(wordsOf(owner), `${directory}/${SPARE}`);
}

let own: ProcessIdentity | undefined;
/** This very process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, startTime: startTime(process.pid) ?? 0, bootId: bootId(), ...ownPidNamespace() };
  return own;
}

function wordsOf({ pid, startTime: ticks, bootId: boot, pidNamespace }: ProcessIdentity): string {
  return `${pid} ${ticks} ${boot}${pidNamespace === undefined ? '' : ` ${pidNamespace}`}`;
}

/**
 * Runs `work` while no other process does so for this folder. Waits for a living holder.
 * @returns undefined when the folder is gone; else what `work` returned.
 * @throws UserError when the holder does not finish within `patience` milliseconds (default 10 s), or the folder cannot be written.
 */
export function withUndoLock<T>(directory: HostPath, work: (self: ProcessIdentity) => T, patience = 10_000): T | undefined {
  const self = ownIdentity();
  const held = acquire(directory, self, patience);
  if (held === undefined) return undefined;
  try {
    return work(self);
  } finally {
    withdraw(directory, held);
  }
}

/** A file that says who works on the folder. */
interface Announcement {
  readonly file: string;
  /** It was the spare link, and becomes it again. */
  readonly wasSpare: boolean;
}

function acquire(directory: HostPath, self: ProcessIdentity, patience: number): Announcement | undefined {
  const end = performance.now() + patience;
  for (let attempt = 0; ; attempt++) {
    // Looking first keeps a crowd that waits for one holder from announcing and withdrawing all the time.
    let rival = livingRival(directory, undefined);
    if (rival === 'gone') return undefined;
    if (rival === undefined) {
      const own = announce(directory, self);
      if (own === undefined) return undefined;
      rival = livingRival(directory, own.file);
      if (rival === undefined) return own;
      withdraw(directory, own);
    }
    if (performance.now() > end) throw busy(directory, rival);
    pause(Math.random() * 2 ** Math.min(attempt + 1, 5));
  }
}

function announce(directory: HostPath, self: ProcessIdentity): Announcement | undefined {
  const file = PREFIX + randomName();
  const text = wordsOf(self);
  try {
    if (takeSpare(directory, file, text)) return { file, wasSpare: true };
    try {
      symlinkSync(text, `${directory}/${file}`);
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') throw error;
      remove(`${directory}/${SPARE}`);
      symlinkSync(text, `${directory}/${file}`);
    }
    return { file, wasSpare: false };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw systemError(`cannot clean up ${directory}`, error);
  }
}

/** @returns false when the spare link has other words, or is not there. */
function takeSpare(directory: HostPath, file: string, text: string): boolean {
  try {
    if (readlinkSync(`${directory}/${SPARE}`) !== text) return false;
  } catch {
    return false;
  }
  return renamed(`${directory}/${SPARE}`, `${directory}/${file}`);
}

/** Another living process's announcement; `swapped` when ours is not there; `gone` with the folder. The dead's are removed on the way. */
function livingRival(directory: HostPath, own: string | undefined): ProcessIdentity | 'swapped' | 'gone' | undefined {
  let files: string[];
  try {
    files = readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return own === undefined ? 'gone' : 'swapped';
    throw systemError(`cannot read ${directory}`, error);
  }
  if (own !== undefined && !files.includes(own)) return 'swapped';
  for (const file of files) {
    if (!file.startsWith(PREFIX) || file === own) continue;
    const owner = readOwner(`${directory}/${file}`);
    if (owner === undefined) continue;
    if (isAlive(owner)) return owner;
    remove(`${directory}/${file}`);
  }
  return undefined;
}

/** undefined for a file that is gone, or that is no announcement: nobody holds the lock by it. */
function readOwner(path: string): ProcessIdentity | undefined {
  try {
    const [pid, ticks, boot, namespace] = readlinkSync(path).split(' ');
    const known = namespace === undefined ? {} : { pidNamespace: Number(namespace) };
    return { pid: Number(pid), startTime: Number(ticks), bootId: boot ?? '', ...known };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EINVAL' || codeOf(error) === 'ENOTDIR') return undefined;
    throw systemError(`cannot read ${path}`, error);
  }
}

function withdraw(directory: HostPath, { file, wasSpare }: Announcement): void {
  if (!wasSpare || !renamed(`${directory}/${file}`, `${directory}/${SPARE}`)) remove(`${directory}/${file}`);
}

function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone with its folder; or the disk is read-only, and then it lasts until this process ends.
  }
}

function busy(directory: HostPath, rival: ProcessIdentity | 'swapped' | 'gone'): UserError {
  const who = typeof rival === 'string' ? 'another process' : `process ${rival.pid}`;
  return new UserError(`${who} is cleaning up ${directory} and does not finish`, {
    check: 'leftovers',
    ...(typeof rival === 'string' ? {} : { hint: `see what it does: ps -fp ${rival.pid}` }),
  });
}
