import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { UserError } from '../errors.js';
import { codeOf } from '../state/failure.js';

/** A pseudo terminal of our own, for a caller that has none. */
export interface Terminal {
  /** The slave, for the helper's stdio. */
  readonly slave: number;
  readonly input: Writable;
  onData(listener: (chunk: Buffer) => void): void;
  resize(rows: number, columns: number): void;
  /** Reads what is left after the helper's end. */
  drain(): void;
  /** Closes both ends. */
  close(): void;
}

/** The part of node-pty that is used: what it opens itself would leave a descriptor of the slave open for good (libuv reopens it). */
interface NodePty {
  readonly native: {
    open(columns: number, rows: number): { master: number; slave: number; pty: string };
    resize(master: number, columns: number, rows: number): void;
  };
}

/**
 * Opens a pseudo terminal with node-pty, which is loaded only here.
 * @throws UserError when node-pty is not installed or not built, or the kernel gives no more terminals.
 */
export async function openTerminal(size: { rows: number; columns: number }): Promise<Terminal> {
  const { native } = await loadNodePty();
  const { master, slave: nonBlocking, pty } = openPair(native, size);
  // Opened anew: of node-pty's own the command would inherit O_NONBLOCK.
  const slave = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
  closeSync(nonBlocking);
  const reader = new ReadStream(master);
  // From the first byte on: the helper sets its modes only when the command runs, and until then a Ctrl-D would be taken out.
  reader.setRawMode(true);
  let listener: (chunk: Buffer) => void = () => {};
  reader.on('data', (chunk: Buffer) => listener(chunk));
  reader.on('error', () => {});
  let isClosed = false;
  return {
    slave,
    input: inputTo(master, () => isClosed),
    onData: (given) => {
      listener = given;
    },
    resize: (rows, columns) => native.resize(master, columns, rows),
    drain: () => {
      reader.pause();
      readRest(master, (chunk) => listener(chunk));
    },
    close: () => {
      isClosed = true;
      closeSync(slave);
      reader.destroy();
    },
  };
}

function openPair(native: NodePty['native'], { columns, rows }: { rows: number; columns: number }): ReturnType<NodePty['native']['open']> {
  try {
    return native.open(columns, rows);
  } catch (error) {
    // It does not tell the errno.
    throw new UserError('no terminal can be opened: all that the kernel gives are in use, or /dev/ptmx is missing', {
      hint: 'cat /proc/sys/kernel/pty/nr /proc/sys/kernel/pty/max; ls -l /dev/ptmx',
      check: 'terminal',
      cause: error,
    });
  }
}

async function loadNodePty(): Promise<NodePty> {
  try {
    // Not a literal: crt is built and runs where this optional package is missing.
    const name = 'node-pty';
    const module = (await import(name)) as unknown as NodePty & { default?: NodePty };
    return module.default ?? module;
  } catch (error) {
    throw new UserError('a terminal for a caller without one needs node-pty, which is not installed or not built', {
      hint: 'npm rebuild node-pty (npm 12: npm approve-scripts node-pty first; needs make and a C++ compiler), or leave out -t',
      check: 'node-pty',
      cause: error,
    });
  }
}

/** Milliseconds between two tries to write to a terminal that is full. */
const FULL_PAUSE = 2;

const NOTHING = Buffer.alloc(0);

/** How much could be written. The master does not block: a full terminal says EAGAIN until its reader comes. */
function put(fd: number, chunk: Buffer): number {
  try {
    return writeSync(fd, chunk);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}

/** End of input is the end-of-file character: a terminal has no other. */
function inputTo(fd: number, isClosed: () => boolean): Writable {
  const send = (chunk: Buffer, done: (error?: Error | null) => void): void => {
    try {
      // Once closed its number may be another file's.
      const rest = isClosed() ? NOTHING : chunk.subarray(put(fd, chunk));
      if (rest.length === 0) done();
      else setTimeout(send, FULL_PAUSE, rest, done);
    } catch (error) {
      done(error as Error);
    }
  };
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => send(Buffer.from(chunk), done),
    final: (done) => send(Buffer.from([4]), done),
  });
}

/** node-pty's own reader loses the end of the output (libuv takes a hang-up for the end): so it is read by hand. */
function readRest(fd: number, take: (chunk: Buffer) => void): void {
  const buffer = Buffer.alloc(65536);
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) return;
      take(Buffer.from(buffer.subarray(0, count)));
    } catch {
      // EAGAIN or EIO: there is no more.
      return;
    }
  }
}
