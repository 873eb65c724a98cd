import { type FSWatcher, fstatSync, statSync, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../state/failure.js';

/** Bytes of one read. */
const CHUNK = 1 << 18;

function fileOf(directory: string, number: number): string {
  return `${directory}/log${number === 0 ? '' : `.${number}`}`;
}

/** So many numbers in a row without a file are the end: a rotation leaves one free at a time. */
const GAP = 4;

/**
 * Opens all log files, the oldest first, while they are rotated: a rotation only moves a file to a greater number, so who goes through the
 * numbers upwards meets each one that was there at the beginning.
 */
async function openAll(directory: string): Promise<FileHandle[]> {
  const handles = new Map<number, FileHandle>();
  for (let number = 0, missing = 0; missing < GAP; number++) {
    const handle = await openIfThere(fileOf(directory, number));
    missing = handle === undefined ? missing + 1 : 0;
    if (handle === undefined) continue;
    const { ino } = fstatSync(handle.fd);
    if (handles.has(ino)) await handle.close();
    else handles.set(ino, handle);
  }
  const [newest] = handles.keys();
  // What was made meanwhile may have come after older ones. It is found again by who follows.
  for (const ino of newest === undefined ? [] : newerThan(newest, directory)) {
    await handles.get(ino)?.close();
    handles.delete(ino);
  }
  return [...handles.values()].reverse();
}

function newerThan(newest: number, directory: string): number[] {
  const newer: number[] = [];
  for (let number = 0, missing = 0; missing < GAP; number++) {
    const ino = statSync(fileOf(directory, number), { throwIfNoEntry: false })?.ino;
    missing = ino === undefined ? missing + 1 : 0;
    if (ino === newest) return newer;
    if (ino !== undefined) newer.push(ino);
  }
  // It is rotated away, and so is all that was older.
  return newer;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export interface FollowOptions {
  /** Go on with what is added, until `ended` resolves; then what is left is given. */
  readonly ended?: Promise<unknown>;
  /** Only what was added after this moment. */
  readonly from?: LogMark;
}

/** Where a log ended at some moment. */
export interface LogMark {
  readonly inode: number;
  readonly size: number;
}

/** Where it ends now; undefined where nothing is written yet. */
export function markEnd(directory: string): LogMark | undefined {
  for (const number of [0, 1]) {
    const stat = statSync(fileOf(directory, number), { throwIfNoEntry: false });
    if (stat !== undefined) return { inode: stat.ino, size: stat.size };
  }
  return undefined;
}

/** `next`: another file follows. `caught-up`, once: all is read that was there, and what follows is new. */
export type LogEvent = Buffer | 'next' | 'caught-up';

/** The bytes of a log in their order, over all its files. */
export async function* readLog(directory: string, { ended, from }: FollowOptions = {}): AsyncGenerator<LogEvent> {
  const change = new Change();
  const watcher = ended === undefined ? undefined : watchFolder(directory, change);
  void ended?.then(
    () => change.end(),
    () => change.end(),
  );
  const handles = await openAll(directory);
  try {
    for (let position = from ? await skip(handles, from) : 0; handles.length > 0; position = 0) {
      yield* readOne(handles, position, directory, watcher === undefined ? undefined : change);
      await handles.shift()?.close();
      if (handles.length > 0) yield 'next';
    }
  } finally {
    watcher?.close();
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** Where to go on after the mark; files from before it are left out. All of them, where that of the mark is rotated away. */
async function skip(handles: FileHandle[], { inode, size }: LogMark): Promise<number> {
  const at = handles.findIndex(({ fd }) => fstatSync(fd).ino === inode);
  for (const handle of handles.splice(0, Math.max(0, at))) await handle.close();
  return at < 0 ? 0 : size;
}

/** One file from a position to its end; of the newest, where it is followed, until a newer one stands in its place. */
async function* readOne(
  handles: FileHandle[],
  from: number,
  directory: string,
  change: Change | undefined,
): AsyncGenerator<Buffer | 'caught-up'> {
  const [handle] = handles as [FileHandle];
  let position = from;
  for (;;) {
    // Asked before the read: what ends or changes after it is found by the next one.
    const isOver = change === undefined || change.isEnded || handles.length > 1;
    const waiting = change?.next();
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, position);
    position += bytesRead;
    if (bytesRead > 0) {
      yield buffer.subarray(0, bytesRead);
      continue;
    }
    // Also at the end: a slow reader may be some files behind.
    if (change !== undefined && handles.length === 1 && (await wasRotated(handles, directory))) continue;
    if (isOver) return;
    if (!change.isCaughtUp) yield 'caught-up';
    change.isCaughtUp = true;
    await waiting;
  }
}

/** Opens what came after the file that we read, up to the newest. */
async function wasRotated(handles: FileHandle[], directory: string): Promise<boolean> {
  const [handle] = handles as [FileHandle];
  const { ino } = await handle.stat();
  const all = await openAll(directory);
  const inodes = all.map(({ fd }) => fstatSync(fd).ino);
  const at = inodes.indexOf(ino);
  const newer = all.slice(at + 1);
  await Promise.all(all.slice(0, at + 1).map((old) => old.close()));
  handles.push(...newer);
  return newer.length > 0;
}

function watchFolder(directory: string, change: Change): FSWatcher {
  const watcher = watch(directory, () => change.happened());
  watcher.on('error', () => change.end());
  return watcher;
}

/** Something has happened in the folder, or all is over. */
class Change {
  isEnded = false;
  isCaughtUp = false;
  #wake: (() => void) | undefined;
  #next: Promise<void> | undefined;

  /** Resolves at the next event after this call. */
  next(): Promise<void> {
    if (this.isEnded) return Promise.resolve();
    this.#next ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#next;
  }

  happened(): void {
    this.#wake?.();
    this.#next = undefined;
    this.#wake = undefined;
  }

  end(): void {
    this.isEnded = true;
    this.happened();
  }
}
