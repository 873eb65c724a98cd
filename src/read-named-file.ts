import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { UserError } from './errors.js';
import { printable } from './format/printable.js';

/** Nobody writes a profile or a list of variables of more than a megabyte. */
const MOST_BYTES = 1 << 20;
/** Milliseconds for a pipe, `<(command)` of a shell, to say all that it has. */
const PATIENCE = 5_000;
const PAUSE = 10;

/**
 * The bytes of a file that somebody named: a regular one, or a pipe. Never hangs, and never reads more than a megabyte.
 * @param what the flag, for the message
 * @throws UserError for what is not there, no file, too long, or a pipe of which nothing comes
 */
export function readNamedFile(path: string, what: string, hint: string): Buffer {
  const refuse = (why: string, cause?: unknown): UserError => new UserError(`${what} ${printable(path)} ${why}`, { hint, cause });
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isFIFO()) throw refuse(stat.isDirectory() ? 'is a folder' : 'is no file');
    return readAll(fd, refuse);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { errno, message } = error as NodeJS.ErrnoException;
    throw refuse(`cannot be read: ${getSystemErrorMap().get(errno ?? 0)?.[1] ?? message}`, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readAll(fd: number, refuse: (why: string) => UserError): Buffer {
  const buffer = Buffer.alloc(MOST_BYTES + 1);
  const deadline = performance.now() + PATIENCE;
  let size = 0;
  for (;;) {
    const got = readSome(fd, buffer, size);
    if (got === 0) return buffer.subarray(0, size);
    size += Math.max(got, 0);
    if (size > MOST_BYTES) throw refuse('is longer than a megabyte');
    if (got > 0) continue;
    if (performance.now() > deadline) throw refuse('is a pipe from which nothing comes');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
  }
}

/** Bytes, 0 at the end, -1 for a pipe whose writer has more to say. */
function readSome(fd: number, buffer: Buffer, size: number): number {
  try {
    return readSync(fd, buffer, size, buffer.length - size, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1;
    throw error;
  }
}
