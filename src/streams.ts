import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { UserError } from './errors.js';
import type { Launch, Stdio } from './launch/launch.js';
import type { Terminal } from './launch/terminal.js';
import type { OutputOption, RunOptions } from './options.js';
import { outputError, writeWhole } from './output.js';
import { codeOf } from './state/failure.js';

const MAX_BUFFER = 100 * 1024 ** 2;

/** The command's stdin, stdout and stderr, seen from the supervisor. */
export interface Streams {
  /** What the helper is spawned with. */
  readonly stdio: readonly [Stdio, Stdio, Stdio];
  /** Reads the output from now on. To be called before the helper can end: Node throws away what nobody reads by then. */
  listen(launch: Launch): void;
  /** Writes the input. To be called once the command runs. */
  feed(launch: Launch): void;
  /** All that was captured, once the helper is gone. @throws UserError when more came than `maxBuffer`, or than the caller's stream took. */
  finish(): { stdout: Buffer; stderr: Buffer };
  /** Lets go of the caller's streams and of what was opened, in any case. */
  close(): void;
}

/** The part of the options that is about streams. */
export type StreamOptions = Pick<RunOptions, 'input' | 'stdout' | 'stderr' | 'maxBuffer' | 'tty'>;

/**
 * Without a terminal of its own the command gets the caller's pipes as they are: their back-pressure, their ends.
 * @param giveUp is called once when a captured stream grows beyond `maxBuffer`, or when the caller's takes no more.
 */
export function plainStreams(options: StreamOptions, giveUp: () => void): Streams {
  const { input, stdout = 'pipe', stderr = 'pipe', maxBuffer = MAX_BUFFER } = options;
  const out = new Capture(stdout, 1, maxBuffer, giveUp);
  const error = new Capture(stderr, 2, maxBuffer, giveUp);
  let stopInput = (): void => {};
  return {
    stdio: [inputStdio(input), outputStdio(stdout, 1), outputStdio(stderr, 2)],
    listen: (launch) => {
      out.read(launch.stdout);
      error.read(launch.stderr);
    },
    feed: (launch) => {
      stopInput = feed(input, launch.stdin);
    },
    finish: () => ({ stdout: out.bytes(), stderr: error.bytes() }),
    close: () => stopInput(),
  };
}

/** The caller's own terminal: the monitor relays it. */
export function callerTerminal(): Streams {
  return {
    stdio: ['inherit', 'inherit', 'inherit'],
    listen: () => {},
    feed: () => {},
    finish: () => ({ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }),
    close: () => {},
  };
}

/** A terminal made for a caller that has none: the monitor relays it, we copy its other end. */
export function madeTerminal(terminal: Terminal, options: StreamOptions, giveUp: () => void): Streams {
  const { input, stdout = 'pipe', maxBuffer = MAX_BUFFER } = options;
  const out = new Capture(stdout, 1, maxBuffer, giveUp);
  let stopInput = (): void => {};
  return {
    stdio: [terminal.slave, terminal.slave, terminal.slave],
    listen: () => terminal.onData((chunk) => out.take(chunk)),
    feed: () => {
      stopInput = feed(input, terminal.input);
    },
    finish: () => {
      terminal.drain();
      return { stdout: out.bytes(), stderr: Buffer.alloc(0) };
    },
    close: () => {
      stopInput();
      terminal.close();
    },
  };
}

const DEV_NULL = (1 << 8) | 3;

/**
 * Pipes and sockets are passed on as they are; so is /dev/null, for which the helper puts the container's own. A terminal could be
 * typed into (TIOCSTI), and a file, though opened for reading, be opened again for writing by /proc/self/fd: those are copied.
 */
function isPassable(fd: number): boolean {
  const stat = fstatSync(fd);
  // A directory is passed on, too: the helper refuses it in words.
  return stat.isFIFO() || stat.isSocket() || stat.isDirectory() || (stat.isCharacterDevice() && stat.rdev === DEV_NULL);
}

function inputStdio(input: RunOptions['input']): Stdio {
  if (input === undefined) return 'ignore';
  return input === 'inherit' && isPassable(0) ? 'inherit' : 'pipe';
}

function outputStdio(option: OutputOption, fd: number): Stdio {
  return option === 'inherit' && !isPassable(fd) ? 'pipe' : option;
}

/** Writes the input; returns what lets go of its source. */
function feed(input: RunOptions['input'], target: Writable | null): () => void {
  if (target === null || input === undefined) return () => {};
  // A command that does not read all of its input is no error: EPIPE.
  target.on('error', () => {});
  if (input !== 'inherit' && (typeof input === 'string' || input instanceof Uint8Array)) {
    target.end(input);
    return () => {};
  }
  const source = (input === 'inherit' ? process.stdin : input) as Readable;
  source.pipe(target);
  return () => {
    source.unpipe(target);
    source.pause();
    // Else an open terminal keeps the process alive.
    if ('unref' in source && typeof source.unref === 'function') source.unref();
  };
}

/** One output stream: kept for the result, or passed on to the caller's. */
class Capture {
  readonly #option: OutputOption;
  readonly #fd: 1 | 2;
  readonly #limit: number;
  readonly #giveUp: () => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #failure: unknown;

  constructor(option: OutputOption, fd: 1 | 2, limit: number, giveUp: () => void) {
    this.#option = option;
    this.#fd = fd;
    this.#limit = limit;
    this.#giveUp = giveUp;
  }

  read(source: Readable | null): void {
    source?.on('data', (chunk: Buffer) => this.take(chunk));
  }

  take(chunk: Buffer): void {
    if (this.#option === 'inherit') this.#passOn(chunk);
    if (this.#option !== 'pipe') return;
    const fits = this.#size <= this.#limit;
    this.#size += chunk.length;
    if (this.#size <= this.#limit) this.#chunks.push(chunk);
    else if (fits) this.#giveUp();
  }

  /** What comes after a failure is dropped: the command is being killed for it. */
  #passOn(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    try {
      writeWhole(this.#fd, chunk);
    } catch (error) {
      this.#failure = error;
      this.#giveUp();
    }
  }

  bytes(): Buffer {
    // A reader that went away wants no more, and that is all.
    if (this.#failure !== undefined && codeOf(this.#failure) !== 'EPIPE') throw outputError(this.#fd, this.#failure);
    if (this.#size > this.#limit) {
      throw new UserError(`the command wrote more than ${this.#limit} bytes`, { hint: 'raise maxBuffer, or take stdout: "inherit"' });
    }
    return Buffer.concat(this.#chunks);
  }
}
