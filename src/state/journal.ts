import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readSync, renameSync, type Stats, writeSync } from 'node:fs';
import { type HostPath, toHostPath } from '../plan/step.js';
import { Fields } from './decode.js';
import { codeOf, systemError } from './failure.js';
import { CorruptFile, parseJson } from './file.js';
import { withUndoLock } from './lock.js';
import { NAME_PATTERN } from './record.js';
import type { Roots } from './roots.js';

/** What is written down of a container's life. */
export const EVENTS = ['start', 'exit', 'rm', 'pause', 'unpause', 'exec', 'update'] as const;

/** One line of the journal, written by whoever did it or saw it. */
export interface JournalEvent {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly event: (typeof EVENTS)[number];
  readonly name: string;
  /** The record's id; '' where the record could not be read. */
  readonly id: string;
  /** Of an exit: 0 to 255, null when nobody saw it. */
  readonly exitCode?: number | null;
  /** Of an exit: `SIGKILL` …, null when no signal ended it. */
  readonly signal?: string | null;
  /** Of an exit: `exit`, `signal`, `oom`, `timeout`, `canceled`, `lost`. */
  readonly reason?: string;
  /** Of an exit: processes that the memory limit killed. */
  readonly oomKills?: number;
  /** Of an exit: how often the memory limit was run into. */
  readonly memoryHits?: number;
  /** Of an exit: how often a process was refused by the limit on their number. */
  readonly pidsHits?: number;
}

/** Bytes at which a new file is begun. One old file is kept, so the journal takes twice as much at the most. */
const ROTATE_AT = 1 << 20;
/** Bytes of one file that are read at the most: a larger one is not ours, and its end is enough. */
const MAX_READ = 4 * ROTATE_AT;
/** Milliseconds to wait for another process that begins a new file. */
const PATIENCE = 20;

export function journalPath({ state }: Pick<Roots, 'state'>): HostPath {
  return toHostPath(`${state}/.events`);
}

/**
 * Adds a line, with the time of now. One write(2) to a file opened with O_APPEND: lines of several processes do not mix. Nothing
 * depends on the journal, so nothing fails with it.
 * @returns false when it could not be written, a full disk for example.
 */
export function journal(roots: Pick<Roots, 'state'>, event: Omit<JournalEvent, 'time'>): boolean {
  const path = journalPath(roots);
  try {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(path, flags, 0o600);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) return false;
      // Begins with the end of a line: one that a full disk has cut must not spoil the next.
      writeSync(fd, `\n${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
      if (stat.size >= ROTATE_AT) rotate(path, stat);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    return false;
  }
}

function rotate(path: HostPath, old: Stats): void {
  const lock = toHostPath(`${path}.lock`);
  mkdirSync(lock, { mode: 0o700, recursive: true });
  withUndoLock(
    lock,
    () => {
      // Another process may have done it: the fresh file must not take the old one's place.
      if (lstatSync(path).ino === old.ino) renameSync(path, `${path}.1`);
    },
    PATIENCE,
  );
}

/** Reads the journal from its beginning, then, call by call, what was added. */
export class JournalReader {
  readonly #path: HostPath;
  #file: { readonly fd: number; readonly inode: number; offset: number } | undefined;
  #rest = '';

  constructor(roots: Pick<Roots, 'state'>) {
    this.#path = journalPath(roots);
  }

  /** The lines that are new since the last call, all there are at the first. What is no line of ours is left out. @throws UserError when it may not be read */
  read(): readonly JournalEvent[] {
    const isFirst = this.#file === undefined;
    this.#file ??= open(this.#path);
    const old = isFirst ? this.#readOld() : [];
    const events = [...old, ...this.#more()];
    const now = lstatSync(this.#path, { throwIfNoEntry: false });
    if (this.#file === undefined || now === undefined || now.ino === this.#file.inode) return events;
    // What was still on its way into the file that had its name before.
    const late = this.#more();
    this.close();
    this.#file = open(this.#path);
    return [...events, ...late, ...this.#more()];
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
    this.#rest = '';
  }

  #readOld(): readonly JournalEvent[] {
    const current = this.#file;
    this.#file = open(toHostPath(`${this.#path}.1`));
    // The one that we have open was renamed a moment ago.
    const events = this.#file?.inode === current?.inode ? [] : this.#more();
    this.close();
    this.#file = current;
    return events;
  }

  #more(): readonly JournalEvent[] {
    const file = this.#file;
    if (file === undefined) return [];
    const { size } = fstatSync(file.fd);
    // Somebody has emptied it.
    if (size < file.offset) file.offset = 0;
    if (size - file.offset > MAX_READ) file.offset = size - MAX_READ;
    const buffer = Buffer.alloc(Math.max(0, size - file.offset));
    const length = readSync(file.fd, buffer, 0, buffer.length, file.offset);
    file.offset += length;
    const lines = `${this.#rest}${buffer.toString('utf8', 0, length)}`.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => decode(line) ?? []);
  }
}

function open(path: HostPath): { fd: number; inode: number; offset: number } | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (stat.isFile()) return { fd, inode: stat.ino, offset: 0 };
    closeSync(fd);
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') return undefined;
    throw systemError(`cannot read ${path}`, error);
  }
}

function decode(line: string): JournalEvent | undefined {
  if (line === '') return undefined;
  try {
    const fields = new Fields(parseJson(line));
    const event = EVENTS.find((known) => known === fields.get('event'));
    if (event === undefined) return undefined;
    return {
      time: fields.instant('time'),
      event,
      name: fields.text('name', NAME_PATTERN),
      id: fields.get('id') === '' ? '' : fields.text('id', /^[0-9a-f]{16}$/),
      ...(event === 'exit' ? decodeEnd(fields) : {}),
    };
  } catch (error) {
    if (error instanceof CorruptFile) return undefined;
    throw error;
  }
}

function decodeEnd(fields: Fields): Partial<JournalEvent> {
  const count = (key: 'oomKills' | 'memoryHits' | 'pidsHits'): Partial<JournalEvent> =>
    fields.get(key) === undefined ? {} : { [key]: fields.integer(key, 0) };
  return {
    exitCode: fields.get('exitCode') === null ? null : fields.integer('exitCode', 0, 255),
    signal: fields.get('signal') === null ? null : fields.text('signal', /^SIG[A-Z0-9+-]{1,16}$/),
    reason: fields.text('reason', /^[a-z]{1,32}$/),
    ...count('oomKills'),
    ...count('memoryHits'),
    ...count('pidsHits'),
  };
}
