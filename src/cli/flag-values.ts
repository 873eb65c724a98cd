import { UserError } from '../index.js';

/** The values of the flags that were given, from the words that `splitRun` answers: `--memory=50`, `--tty`, `--no-tty`. */
export class FlagValues<Name extends string> {
  readonly #values = new Map<string, string[]>();

  constructor(words: readonly string[], table: Readonly<Record<Name, unknown>>) {
    for (const word of words) {
      const [, flag = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      if (Object.hasOwn(table, flag)) this.#add(flag, value ?? 'true');
      else this.#add(flag.replace(/^no-/, ''), 'false');
    }
  }

  /** The last one wins, as with docker. */
  text(name: Name): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  all(name: Name): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  has(name: Name): boolean {
    return this.#values.has(name);
  }

  /** @throws UserError unless the value is a truth value of strconv.ParseBool, which docker uses. */
  toggle(name: Name): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    throw new UserError(`--${name} is true or false, not ${JSON.stringify(text)}`);
  }

  #add(name: string, value: string): void {
    this.#values.set(name, [...this.all(name as Name), value]);
  }
}
