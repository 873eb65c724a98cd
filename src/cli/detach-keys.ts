import { UserError } from '../index.js';

/** `ctrl-p,ctrl-q`, `ctrl-\\,x`; an empty text is none. @throws UserError */
export function detachKeys(text: string | undefined): { detachKeys?: Uint8Array } {
  if (text === undefined) return {};
  const keys = text === '' ? [] : text.split(',').map((word) => keyOf(word, text));
  return { detachKeys: Uint8Array.from(keys) };
}

function keyOf(word: string, text: string): number {
  const [, control] = /^ctrl-([a-z@[\\\]^_])$/i.exec(word) ?? [];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (/^[\x20-\x7e]$/.test(word)) return word.charCodeAt(0);
  throw new UserError(`--detach-keys ${JSON.stringify(text)} is no list of keys`, { hint: '--detach-keys ctrl-p,ctrl-q' });
}
