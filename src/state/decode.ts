import { type HostPath, toHostPath } from '../plan/step.js';
import { CorruptFile } from './file.js';

/** The fields of a JSON object, own ones only: `__proto__` in a file is a key like any other. @throws CorruptFile */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(value: unknown, where = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new CorruptFile(`${where || 'the file'} is not an object`);
    this.#object = value as Record<string, unknown>;
    this.#where = where;
  }

  /** undefined when the field is missing. */
  get(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  text(key: string, pattern = /^[^\0]{1,65536}$/s): string {
    const value = this.get(key);
    if (typeof value !== 'string' || !pattern.test(value)) throw this.wrong(key);
    return value;
  }

  path(key: string): HostPath {
    return toHostPath(this.text(key, /^\/[^\0]{0,4095}$/s));
  }

  integer(key: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw this.wrong(key);
    return value;
  }

  flag(key: string): boolean {
    const value = this.get(key);
    if (typeof value !== 'boolean') throw this.wrong(key);
    return value;
  }

  /** An instant as `Date.prototype.toISOString` writes it. */
  instant(key: string): string {
    const value = this.text(key, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    if (Number.isNaN(Date.parse(value))) throw this.wrong(key);
    return value;
  }

  list(key: string): readonly unknown[] {
    const value = this.get(key);
    if (!Array.isArray(value)) throw this.wrong(key);
    return value;
  }

  texts(key: string): readonly string[] {
    const values = this.list(key);
    if (!values.every((value) => typeof value === 'string')) throw this.wrong(key);
    return values;
  }

  object(key: string): Fields {
    return new Fields(this.get(key), this.#name(key));
  }

  /** The format's version, before anything else is believed. */
  version(expected: number): void {
    const given = this.get('version');
    // A number or nothing: what else stands there may be nested too deep to be shown.
    const shown = typeof given === 'number' ? ` (format ${given})` : '';
    if (given !== expected) throw new CorruptFile(`was written by another version of crt${shown}`);
  }

  wrong(key: string): CorruptFile {
    return new CorruptFile(`${this.#name(key)} is ${this.get(key) === undefined ? 'missing' : 'not valid'}`);
  }

  #name(key: string): string {
    return this.#where ? `${this.#where}.${key}` : key;
  }
}
