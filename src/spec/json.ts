/** One token that matters here: a string, skipped whole, or a number. */
const TOKEN = /"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Stands before the digits of a bigint in a text value; no text of a valid config begins with NUL. */
const MARK = '\0integer:';
const WRITTEN_MARK = JSON.stringify(MARK).slice(1, -1);

/**
 * JSON.parse that keeps every integer: one beyond 2^53−1 becomes a bigint, where JSON.parse would round it
 * (18446744073709551615, "unlimited", is the usual one).
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string): unknown {
  const marked = text.replace(TOKEN, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${WRITTEN_MARK}${token}"` : token,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && isMarked(value) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/** JSON.stringify that writes a bigint as the number that it is. */
export function stringifyExactJson(value: unknown, indent?: number): string {
  try {
    // Nearly always: a function that is asked for every value makes it ten times as slow.
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  const marked = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${MARK}${item}` : item), indent);
  return marked.replace(TOKEN, (token) => (isMarked(token, WRITTEN_MARK, 1, 1) ? token.slice(WRITTEN_MARK.length + 1, -1) : token));
}

function isMarked(text: string, mark = MARK, before = 0, after = 0): boolean {
  return text.startsWith(mark, before) && /^-?\d+$/.test(text.slice(before + mark.length, text.length - after));
}
