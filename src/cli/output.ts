import { writeSync } from 'node:fs';

/**
 * Writes all of a text to stdout or stderr before it returns, so that the process may leave right after, and without the
 * streams of Node, which take a millisecond to make. A reader that went away is no error: there is nobody to tell.
 */
export function writeAll(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // Somebody made the descriptor non-blocking and it is full: Node's stream knows how to wait.
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (isFull) (fd === 1 ? process.stdout : process.stderr).write(bytes.subarray(done));
      return;
    }
  }
}
