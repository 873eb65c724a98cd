import { shellWord } from '../format/shell-word.js';

/** What a terminal would act on, or a reader not see. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** Safe between double quotes, after a variable. */
const TAIL = /^[\w@%+=:,./ -]*$/;

/** Text as one word of bash(1), exactly itself, without a character in it that could harm a terminal. */
export function quote(text: string): string {
  return HARMFUL.test(text) ? `$'${[...text].map(escapeCharacter).join('')}'` : shellWord(text);
}

function escapeCharacter(character: string): string {
  if (character === "'" || character === '\\') return `\\${character}`;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (!HARMFUL.test(character)) return character;
  // By bytes: \u depends on the locale.
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** `"$variable/rest"`: a path below the one that a variable holds. */
export function below(variable: string, rest: string): string {
  return TAIL.test(rest) ? `"$${variable}${rest}"` : `"$${variable}"${quote(rest)}`;
}

/** Paths of the plan for which the script has places of its own: the state folder, the writable layer. */
export class Places {
  readonly #places: (readonly [path: string, variable: string, rest: string])[] = [];

  /** From here on `path` and what is below it is `$variable` and `rest`. The first that fits wins. */
  add(path: string, variable: string, rest = ''): void {
    this.#places.push([path, variable, rest]);
  }

  has(path: string): boolean {
    return this.#places.some(([place]) => path === place || path.startsWith(`${place}/`));
  }

  /** A host path as a word. */
  word(path: string): string {
    const found = this.#places.find(([place]) => path === place || path.startsWith(`${place}/`));
    return found ? below(found[1], `${found[2]}${path.slice(found[0].length)}`) : quote(path);
  }
}

/** Lines of a command that is too long for one. */
export function folded(parts: readonly string[]): string[] {
  return parts.map((part, index) => `${index === 0 ? '' : '  '}${part}${index < parts.length - 1 ? ' \\' : ''}`);
}
