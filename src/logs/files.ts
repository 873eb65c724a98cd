import { type FSWatcher, fstatSync, watch } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { codeOf } from '../state/failure.js';

/** Bytes of one read. */
const CHUNK = 1 << 18;

/** Numbers of the log files that are there, the oldest first; 0 is the one that is written. */
async function numbers(directory: string): Promise<number[]> {
  const found = (await readdir(directory)).flatMap((file) => {
    const [, number] = /^log(?:\.(\d{1,4}))?$/.exec(file) ?? [];
    return file === 'log' ? [0] : number === undefined ? [] : [Number(number)];
  });
  return found.sort((a, b) => b - a);
}

function fileOf(directory: string, number: number): string {
  return `${directory}/log${number === 0 ? '' : `.${number}`}`;
}

/** Opens all log files at once, the oldest first: a rotation between two of them takes none from us, or gives one twice, which is left out. */
async function openAll(directory: string): Promise<FileHandle[]> {
  const handles: FileHandle[] = [];
  const seen = new Set<number>();
  for (const number of await numbers(directory)) {
    const handle = await openIfThere(fileOf(directory, number));
    if (handle === undefined) continue;
    const { ino } = fstatSync(handle.fd);
    if (seen.has(ino)) await handle.close();
    else handles.push(handle);
    seen.add(ino);
  }
  return handles;
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
  /** Only what is added from now on. */
  readonly fromEnd?: boolean;
}

/** `next`: another file follows. `caught-up`, once: all is read that was there, and what follows is new. */
export type LogEvent = Buffer | 'next' | 'caught-up';

/** The bytes of a log in their order, over all its files. */
export async function* readLog(directory: string, { ended, fromEnd = false }: FollowOptions = {}): AsyncGenerator<LogEvent> {
  const change = new Change();
  const watcher = ended === undefined ? undefined : watchFolder(directory, change);
  void ended?.then(
    () => change.end(),
    () => change.end(),
  );
  const handles = await openAll(directory);
  try {
    for (let position = fromEnd ? await skip(handles) : 0; handles.length > 0; position = 0) {
      yield* readOne(handles, position, directory, watcher === undefined ? undefined : change);
      await handles.shift()?.close();
      if (handles.length > 0) yield 'next';
    }
  } finally {
    watcher?.close();
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

async function skip(handles: FileHandle[]): Promise<number> {
  for (const handle of handles.splice(0, Math.max(0, handles.length - 1))) await handle.close();
  const [last] = handles;
  return last === undefined ? 0 : (await last.stat()).size;
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
    if (isOver) return;
    if (await wasRotated(handles, directory)) continue;
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
