/**
 * Text of a stranger, made safe to print: in double quotes, control, bidirectional and other invisible characters
 * escaped, shortened. An escape sequence in a name must not reach the terminal, nor a reversed name fool its reader.
 */
export function quote(text: string, limit = 80): string {
  const shown = [...text.slice(0, limit * 2)].slice(0, limit);
  const rest = shown.join('').length < text.length ? '…' : '';
  return `"${shown.map(escapeCharacter).join('')}${rest}"`;
}

/** A value of any type for a message: text quoted, the rest by its kind. */
export function show(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'function' ? 'a function' : 'an object';
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === ' ' || !/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
