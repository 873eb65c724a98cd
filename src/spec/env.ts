import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** The environment of whoever typed the command: `process.env` has this shape. */
export type CallerEnvironment = Readonly<Record<string, string | undefined>>;

/** One variable; `value` undefined = asked for by its name alone and not set where crt was called. */
export interface Variable {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * The text of `-e`: `NAME=VALUE`, or `NAME` alone for the value it has here.
 * @throws UserError for an empty name or a NUL.
 */
export function parseEnv(text: string, caller: CallerEnvironment): Variable {
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  if (name === '') throw new UserError(`-e ${quote(text)} has no name before the "="`, { hint: 'for example: -e A=1' });
  if (text.includes('\0')) throw new UserError(`-e ${quote(text)} holds a NUL character`, { hint: 'the kernel ends a variable there' });
  return { name, value: equals === -1 ? inherited(name, caller) : text.slice(equals + 1) };
}

/**
 * The content of an `--env-file`, read as docker reads it: a line is `NAME=VALUE` or `NAME`; blanks before a name are
 * dropped, lines that begin with `#` skipped; a value is everything after the `=`, quotes and blanks included.
 * @param path for the message only
 * @throws UserError with the line's number for an empty name, one with a blank, or a NUL.
 */
export function parseEnvFile(content: string, path: string, caller: CallerEnvironment): Variable[] {
  const variables: Variable[] = [];
  for (const [at, raw] of content
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.replace(/\r$/, '').replace(/^[ \t\v\f]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals === -1 ? line : line.slice(0, equals);
    const problem = lineProblem(name, line);
    if (problem !== undefined) {
      const hint = 'a line is NAME=VALUE, NAME alone, or # and a comment; no "export", no quotes';
      throw new UserError(`${quote(path)}, line ${at + 1}: ${problem}`, { hint });
    }
    variables.push({ name, value: equals === -1 ? inherited(name, caller) : line.slice(equals + 1) });
  }
  return variables;
}

function lineProblem(name: string, line: string): string | undefined {
  if (name === '') return `${quote(line)} has no name before the "="`;
  if (/\s/.test(name)) return `the name ${quote(name)} holds a blank`;
  return line.includes('\0') ? 'a NUL character' : undefined;
}

/** Variables in the order given (files before flags), the last of a name winning; one that is not set here is dropped. */
export function mergeEnv(variables: readonly Variable[]): Record<string, string> {
  const env: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of variables) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

function inherited(name: string, caller: CallerEnvironment): string | undefined {
  return Object.hasOwn(caller, name) ? caller[name] : undefined;
}
