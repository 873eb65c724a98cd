import { existsSync } from 'node:fs';
import { UserError } from '../errors.js';
import { find } from '../find.js';
import { Control } from '../launch/control.js';
import { initAlive } from '../state/status.js';
import type { Entry } from '../state/store.js';
import { type UndoContext, undoContext } from '../undo.js';
import { settled } from '../wait.js';
import { type FollowOptions, type LogMark, readLog } from './files.js';
import { type Piece, PieceDecoder } from './pieces.js';

export interface LogOptions {
  /** Go on until the container ends. */
  readonly follow?: boolean;
  /** Only the last so many lines of each stream together; default all. */
  readonly tail?: number;
  /** Only what was said from then on, and before then: milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  /** Only what was said after this moment. */
  readonly from?: LogMark;
}

/** A line of the output, or the beginning of one that is not ended: of the terminal or stdout, or of stderr. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** When the line began: milliseconds since 1970. */
  readonly time: number;
  /** With its newline, where it has one. */
  readonly bytes: Buffer;
  /** False for what goes on a line that was given before. */
  readonly isStart: boolean;
  /** Bytes that were lost before it, since the disk had no room. Those after the last line come with an empty one. */
  readonly lost: number;
}

/**
 * The output of a detached container, line by line, stdout and stderr apart, in the order in which it came.
 * @throws NoContainerError; UserError for a container that ran in the foreground: it has no log
 */
export async function* logs(name: string, options: LogOptions = {}, context: UndoContext = undoContext()): AsyncGenerator<LogLine> {
  const entry = find(name, context.roots);
  const folder = logFolder(entry);
  checkRange(options);
  const { tail, since = 0, until = Number.POSITIVE_INFINITY } = options;
  const follow = following(entry, options, context);
  let last = tail === undefined ? undefined : new LastLines(tail);
  try {
    const more = follow === undefined ? {} : { ended: follow.ended };
    for await (const line of lines(folder, { ...more, ...(options.from ? { from: options.from } : {}) })) {
      if (line === 'caught-up') {
        yield* last?.take() ?? [];
        last = undefined;
      } else if (line.time >= until) break;
      else if (line.time < since) continue;
      else if (last !== undefined) last.add(line);
      else yield line;
    }
    yield* last?.take() ?? [];
  } finally {
    follow?.stop();
  }
}

/** @throws UserError for what is no number of lines, and no time */
function checkRange({ tail, since, until }: LogOptions): void {
  if (tail !== undefined && (!Number.isSafeInteger(tail) || tail < 0)) throw new UserError('tail: a number of lines, 0 or more');
  for (const [name, time] of [
    ['since', since],
    ['until', until],
  ] as const)
    if (time !== undefined && !Number.isFinite(time)) throw new UserError(`${name}: milliseconds since 1970`);
}

/** @throws UserError */
export function logFolder({ name, record, problem }: Entry): string {
  if (record === undefined) throw new UserError(`${name} is damaged: ${problem}`, { hint: `crt rm -f ${name}` });
  // A rotation leaves it without its first name for a moment.
  if (record.layer === undefined || !['log', 'log.1'].some((file) => existsSync(`${record.layer}/${file}`)))
    throw new UserError(`${name} has no log: it runs in the foreground, and its output goes where crt run was typed`, {
      hint: 'with -d it would have one',
    });
  return record.layer;
}

/** When there is nothing to wait for any more. */
function following(entry: Entry, { follow }: LogOptions, context: UndoContext): { ended: Promise<unknown>; stop(): void } | undefined {
  if (!follow || !initAlive(entry)) return undefined;
  let control: Control | undefined;
  let isStopped = false;
  const ended = (async () => {
    control = await Control.open(entry.directory, entry.inode);
    if (isStopped) control?.close();
    if (control === undefined) return settled(entry, context);
    await control.wait();
  })();
  return {
    ended,
    stop: () => {
      isStopped = true;
      control?.close();
    },
  };
}

async function* lines(folder: string, options: FollowOptions): AsyncGenerator<LogLine | 'caught-up'> {
  const decoder = new PieceDecoder();
  const open = { stdout: false, stderr: false };
  for await (const chunk of readLog(folder, options)) {
    if (chunk === 'caught-up') yield chunk;
    else for (const piece of chunk === 'next' ? decoder.next() : decoder.push(chunk)) yield* cut(piece, open);
  }
  // What is whole behind half a piece is given, too.
  for (const piece of decoder.next()) yield* cut(piece, open);
  if (decoder.lost > 0) yield { stream: 'stdout', time: Date.now(), bytes: Buffer.alloc(0), isStart: false, lost: decoder.lost };
}

/** The lines of one piece; `open` remembers of each stream whether its line goes on. */
function* cut({ stream, time, bytes, lost }: Piece, open: { stdout: boolean; stderr: boolean }): Generator<LogLine> {
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    yield { stream, time, bytes: bytes.subarray(at, end), isStart: !open[stream], lost: at === 0 ? lost : 0 };
    open[stream] = newline < 0;
    at = end;
  }
}

/** The last lines of what came so far. One line may come in several pieces, with another stream's between them. */
class LastLines {
  readonly #count: number;
  #lines: LogLine[][] = [];

  constructor(count: number) {
    this.#count = count;
  }

  add(line: LogLine): void {
    // A copy: the bytes belong to a buffer of many lines.
    const own = { ...line, bytes: Buffer.from(line.bytes) };
    const open = line.isStart ? undefined : this.#lines.findLast(([first]) => first?.stream === line.stream);
    if (open === undefined) this.#lines.push([own]);
    else open.push(own);
    if (this.#lines.length > 2 * this.#count + 100) this.#lines = this.#count === 0 ? [] : this.#lines.slice(-this.#count);
  }

  take(): readonly LogLine[] {
    return this.#count === 0 ? [] : this.#lines.slice(-this.#count).flat();
  }
}
