import { UserError } from '../index.js';

/** What oclif's parser says, by the words of its version that is bundled, and what crt says instead. */
const WORDS: readonly (readonly [raw: RegExp, own: (verb: string, ...found: string[]) => string])[] = [
  [/^Nonexistent flags?: (.+)/, (verb, flags) => `crt ${verb} has no flag ${flags}`],
  [/^command [^:\s]+:(\S+) not found/, (verb, word) => `crt ${verb} takes no such word: ${JSON.stringify(word)}`],
  [/^Unexpected arguments?: (.+)/, (verb, words) => `crt ${verb} takes no such word: ${JSON.stringify(words)}`],
  [/^Command (\S+) not found/, (_, word) => `crt has no command ${JSON.stringify(word)}`],
  [/^Missing \d+ required arg/, (verb) => `crt ${verb} needs the name of a container`],
  [/^Flag (\S+) expects a value/, (_, flag) => `${flag} needs a value`],
  [/(--[\w-]+)=\S+ cannot also be provided when using (--[\w-]+)/, (_, one, other) => `${one} and ${other} exclude each other`],
];

/** A usage error of oclif's as crt says it; anything else as it is. */
export function inOwnWords(error: unknown, verb: string): unknown {
  if (!(error instanceof Error && 'oclif' in error)) return error;
  for (const [raw, own] of WORDS) {
    const found = raw.exec(error.message);
    if (found)
      return new UserError(own(verb, ...found.slice(1)), { hint: verb === 'help' ? 'crt --help' : `crt ${verb} --help`, cause: error });
  }
  return error;
}
