import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { UserError } from '../index.js';

/** What Node makes of bytes that are no UTF-8, without a word. */
const REPLACEMENT = '\uFFFD';
const HINT = 'crt takes UTF-8 alone: pass other bytes in a file, or by stdin';

/** @throws UserError for a word that is not the one that was typed, because it is not UTF-8. */
export function refuseOtherWords(argv: readonly string[]): void {
  if (!argv.some((word) => word.includes(REPLACEMENT))) return;
  const word = readRaw('/proc/self/cmdline')
    .slice(-argv.length)
    .find((bytes) => !isUtf8(bytes));
  if (word !== undefined) throw new UserError(`the word ${spell(word)} is not UTF-8`, { hint: HINT });
}

/** The same for variables that are passed on from here by their names. @throws UserError */
export function refuseOtherValues(env: Readonly<Record<string, string>>): void {
  const suspects = Object.keys(env).filter((name) => env[name]?.includes(REPLACEMENT) && env[name] === process.env[name]);
  if (suspects.length === 0) return;
  const variable = readRaw('/proc/self/environ').find(
    (bytes) => !isUtf8(bytes) && suspects.includes(bytes.toString().split('=', 1)[0] ?? ''),
  );
  if (variable !== undefined) throw new UserError(`the variable ${spell(variable)} is not UTF-8`, { hint: HINT });
}

/** The bytes of what the kernel ends with a NUL each. */
function readRaw(path: string): Buffer[] {
  const words = readFileSync(path, 'latin1').split('\0').slice(0, -1);
  return words.map((word) => Buffer.from(word, 'latin1'));
}

/** As a shell would read it: `$'\xff'`. */
function spell(bytes: Buffer): string {
  const text = bytes.toString('latin1').slice(0, 100);
  return `$'${text.replace(/[^ -~]|['\\]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}
