import { writeSync } from 'node:fs';
import { UserError } from './errors.js';
import { codeOf, errnoWords } from './state/failure.js';
import { pause } from './state/pause.js';

/**
 * Writes all of it before it returns, so that the process may leave right after. Not by the streams of Node: those take a millisecond
 * to make, lose what a nearly full disk leaves of a write, and throw their errors where nobody can catch them.
 * @throws the error of write(2)
 */
export function writeWhole(fd: 1 | 2, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // Somebody made the descriptor non-blocking, and it is full.
      if (codeOf(error) !== 'EAGAIN') throw error;
      pause(1);
    }
  }
}

/** `cannot write to stdout: no space left on device` */
export function outputError(fd: 1 | 2, cause: unknown): UserError {
  return new UserError(`cannot write to ${fd === 1 ? 'stdout' : 'stderr'}: ${errnoWords(cause)}`, { cause });
}
