import { readSync } from 'node:fs';
import { isatty } from 'node:tty';
import { UserError } from '../index.js';
import { writeAll } from './output.js';

/**
 * Asks on the terminal; only y or yes is a yes. stdout is left alone.
 * @param instead what to type where nobody can answer
 * @throws UserError when stdin or stderr is no terminal
 */
export function confirm(question: string, instead: string): boolean {
  if (!isatty(0) || !isatty(2)) throw new UserError('nobody can be asked: this is no terminal', { hint: `without asking: ${instead}` });
  writeAll(2, `${question} [y/N] `);
  return /^y(es)?$/i.test(readLine().trim());
}

function readLine(): string {
  const buffer = Buffer.alloc(256);
  try {
    // The terminal hands out a line at a time.
    return buffer.toString('utf8', 0, readSync(0, buffer, 0, buffer.length, null));
  } catch {
    return '';
  }
}
