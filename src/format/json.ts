import { stringifyExactJson } from '../spec/json.js';

/** As printable.ts; a newline of the indentation stays, for within a string JSON writes it as `\n`. */
const HARMFUL = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * JSON that no terminal acts on: JSON.stringify leaves U+009B (an escape sequence begins with it), U+202E (text runs backwards) and the like as
 * they are. They are written as `\u009b`, which any parser reads back as the same text. What is undefined becomes null.
 */
export function printableJson(value: unknown, indent?: number): string {
  return stringifyExactJson(withNulls(value), indent).replace(HARMFUL, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

function withNulls(value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== 'object' || value === null) return value;
  // Object.fromEntries defines a key `__proto__` like any other.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withNulls(item)]));
}
