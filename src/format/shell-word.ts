import { printable } from './printable.js';

/** Words that sh(1) reads as they stand. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A text as one word of sh(1), exactly itself: in single quotes where it needs them. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** False for lines with what a terminal acts on, a newline in a name, or a byte that is no text: pasted, they mean something else. */
export function isPasteable(line: string): boolean {
  return printable(line) === line && !line.includes('\ufffd');
}

/** What a UserError says to type as root, for people and, apart, for `crt doctor`; in words where it could not be pasted. */
export function asRoot(commands: readonly string[], words: string): { hint: string; commands?: readonly string[] } {
  if (!commands.every(isPasteable)) return { hint: words };
  return { hint: commands.map((command) => `sudo ${command}`).join(' && '), commands };
}
