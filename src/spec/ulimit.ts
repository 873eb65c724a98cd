import { UserError } from '../errors.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';
import { ULIMIT_NAMES } from './rlimits.js';

/** A value of RunOptions.ulimits with its name; −1 = unlimited. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

const EXAMPLE = 'for example: --ulimit nofile=1024:2048';

/**
 * The text of `--ulimit`: `nofile=1024:2048`, or `nofile=1024` for both; `-1` or `unlimited`. Names of getrlimit(2).
 * @throws UserError for an unknown name, a value that is not a whole number up to 2^53−1, or a soft limit above the hard one.
 */
export function parseUlimit(text: string): Ulimit {
  const [, name, softText, hardText] = /^([^=]*)=([^:]*)(?::([^:]*))?$/.exec(text) ?? [];
  if (name === undefined || softText === undefined)
    throw new UserError(`--ulimit ${quote(text)} is not NAME=SOFT[:HARD]`, { hint: EXAMPLE });
  const soft = parseLimit(text, softText);
  return { ...checkUlimit(name, soft, hardText === undefined ? soft : parseLimit(text, hardText)) };
}

/**
 * One entry of RunOptions.ulimits, from whoever wrote it.
 * @throws UserError as {@link parseUlimit} does
 */
export function checkUlimit(name: string, soft: number, hard: number): Ulimit {
  if (!ULIMIT_NAMES.includes(name)) {
    const guess = nearest(name, ULIMIT_NAMES);
    throw new UserError(`ulimits: ${quote(name)} is not a limit`, {
      hint: guess ? `did you mean ${guess}?` : `the limits: ${ULIMIT_NAMES.join(' ')}`,
    });
  }
  for (const value of [soft, hard]) {
    const hint = 'a whole number up to 2^53−1; −1 means unlimited';
    if (value !== -1 && !(Number.isSafeInteger(value) && value >= 0))
      throw new UserError(`ulimits.${name}: ${value} is not a limit`, { hint });
  }
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    const spelled = `${soft === -1 ? 'unlimited' : soft} is above the hard limit ${hard}`;
    throw new UserError(`ulimits.${name}: the soft limit ${spelled}`, { hint: `raise the hard limit: ${name}=${soft}:${soft}` });
  }
  return { name, soft, hard };
}

function parseLimit(text: string, value: string): number {
  if (value === '-1' || value === 'unlimited') return -1;
  if (/^\d{1,16}$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  throw new UserError(`--ulimit ${quote(text)}: ${quote(value)} is not a whole number up to 2^53−1`, {
    hint: `${EXAMPLE}; -1 means unlimited`,
  });
}
