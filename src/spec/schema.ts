import { UserError } from '../errors.js';
import { nearest } from './nearest.js';
import { quote, show } from './quote.js';

/** Checks a value from outside and answers it typed, or throws a UserError that begins with `path`. */
export type Reader<T> = (value: unknown, path: string) => T;
export interface Field<T> {
  readonly read: Reader<T>;
  readonly required: boolean;
}
export type Fields<T> = { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> };

export const required = <T>(read: Reader<T>): Field<T> => ({ read, required: true });
export const optional = <T>(read: Reader<T>): Field<T> => ({ read, required: false });

/**
 * A reader of objects with these fields and no others; answers a new object of its own properties only, so that
 * nothing comes by way of a prototype.
 * @param notYet fields that the specification has and crt has not: what they ask for, in words. One that asks for
 *   nothing (empty, false, null) is let pass.
 */
export function record<T extends object>(fields: Fields<T>, notYet: Readonly<Record<string, string>> = {}): Reader<T> {
  return (value, path) => {
    const source = asObject(value, path);
    for (const key of Object.keys(source))
      if (!Object.hasOwn(fields, key)) refuseField(source[key], key, path, Object.keys(fields), notYet);
    const result: Partial<Record<keyof T, unknown>> = {};
    for (const [key, field] of Object.entries(fields) as [keyof T & string, Field<unknown>][]) {
      const given = Object.hasOwn(source, key) ? source[key] : undefined;
      if (given !== undefined) result[key] = field.read(given, join(path, key));
      else if (field.required) throw new UserError(`${join(path, key)} is missing`, { hint: `give ${key}` });
    }
    return result as T;
  };
}

function refuseField(value: unknown, key: string, path: string, known: readonly string[], notYet: Readonly<Record<string, string>>): void {
  const feature = Object.hasOwn(notYet, key) ? notYet[key] : undefined;
  if (feature !== undefined && asksNothing(value)) return;
  if (feature !== undefined)
    throw new UserError(`${join(path, key)}: crt does not have ${feature} yet`, { hint: 'leave it out; nothing is ever ignored silently' });
  const guess = nearest(key, known);
  throw new UserError(`${join(path, key)}: crt does not know this field`, {
    hint: guess ? `did you mean ${guess}?` : `known here: ${known.join(', ')}`,
  });
}

function asksNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A list, each item read; holes are items too. */
export function list<T>(read: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, value, 'a list');
    return Array.from(value, (item: unknown, at) => read(item, `${path}[${at}]`));
  };
}

/** An object with keys of anyone's choice, `__proto__` included; the answer has no prototype. */
export function dictionary<T>(read: Reader<T>): Reader<Record<string, T>> {
  return (value, path) => {
    const source = asObject(value, path);
    const result = Object.create(null) as Record<string, T>;
    for (const key of Object.keys(source)) if (source[key] !== undefined) result[key] = read(source[key], join(path, key));
    return result;
  };
}

/** Text without a NUL, where the kernel would end it. */
export const text: Reader<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(path, value, 'text');
  if (value.includes('\0')) throw new UserError(`${path}: ${quote(value)} holds a NUL character`, { hint: 'the kernel ends text there' });
  return value;
};

export const toggle: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, value, 'true or false');
  return value;
};

export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, path) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw wrong(path, value, `one of ${words.join(', ')}`);
    return word;
  };
}

/** A whole number, both ends included, never beyond 2^53−1. */
export function whole(least: number, most: number, meaning = 'a whole number'): Reader<number> {
  return (value, path) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw wrong(path, value, `${meaning} from ${least} to ${most}`);
  };
}

/** A whole number of any size, exact: above 2^53−1 only as a bigint, because JSON.parse has rounded what is a number. */
export function exact(least: bigint, most: bigint): Reader<number | bigint> {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new UserError(`${path}: ${value} is too large to be exact`, { hint: 'read the file with parseExactJson' });
    }
    const number = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)) ? value : undefined;
    if (number !== undefined && number >= least && number <= most) return number;
    throw wrong(path, value, `a whole number from ${least} to ${most}`);
  };
}

/** A UserError for a value of another kind. */
export function wrong(path: string, value: unknown, wanted: string): UserError {
  return new UserError(`${path || 'this'} must be ${wanted}, not ${show(value)}`, { hint: `give ${wanted}` });
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, value, 'an object');
  return value as Record<string, unknown>;
}

/** `linux.namespaces`; a key that is no plain word is quoted, so that it cannot forge another path or an escape. */
function join(path: string, key: string): string {
  if (!/^[\w-]{1,80}$/.test(key)) return `${path}[${quote(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
