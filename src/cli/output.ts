import { outputError, writeWhole } from '../index.js';

/**
 * Writes a text to stdout or stderr, all of it before it returns. A reader that went away is no error.
 * @throws UserError for stdout, where it is full for example; for stderr there is nobody to tell.
 */
export function writeAll(fd: 1 | 2, text: string): void {
  writeIfRead(fd, text);
}

/** The same; answers false when the reader went away, for what would else write for ever. */
export function writeIfRead(fd: 1 | 2, text: string): boolean {
  try {
    writeWhole(fd, Buffer.from(text));
    return true;
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'EPIPE';
    if (fd === 1 && !isGone) throw outputError(fd, error);
    return !isGone;
  }
}
