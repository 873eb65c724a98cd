import { basename } from 'node:path';
import { UserError } from '../index.js';

/** Words that a shell reads as they stand. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/**
 * Mounts and namespaces need root for now.
 * @throws UserError with the line to type
 */
export function requireRoot(verb: string, argv: readonly string[]): void {
  if (process.geteuid?.() === 0) return;
  const program = process.argv[1] ?? 'crt';
  const words = [basename(program) === 'crt' ? 'crt' : program, verb, ...argv].map(shellWord);
  throw new UserError(`crt ${verb} needs root: sudo ${words.join(' ')}`);
}

/** As it is typed: in single quotes (sh(1)) where it needs them. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
