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
  const words = [basename(program) === 'crt' ? 'crt' : program, verb, ...argv].map((word) => (PLAIN.test(word) ? word : quote(word)));
  throw new UserError(`crt ${verb} needs root: sudo ${words.join(' ')}`);
}

/** In single quotes, as sh(1) reads them. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
