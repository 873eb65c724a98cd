import { displayWidth, fit } from '../format/printable.js';

/** How a piece of text is shown; `plain` without colours. */
export type Style = 'plain' | 'heading' | 'story' | 'verb' | 'faint' | 'calls' | 'time' | 'slowest' | 'failed' | 'actor';

/** A piece of text in one style. Its blanks are where a line may be broken. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Line = readonly Span[];

/** Select Graphic Rendition of console_codes(4). */
const CODES: Readonly<Record<Style, string>> = {
  plain: '',
  heading: '1;36',
  story: '3',
  verb: '1',
  faint: '2',
  calls: '34',
  time: '32',
  slowest: '1;33',
  failed: '1;31',
  actor: '35',
};

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

/** Columns that a line takes. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** The line as text, with colours when asked for, without blanks at its end. */
export function paint(line: Line, color: boolean): string {
  const text = line.map((piece) => (color ? colored(piece) : piece.text)).join('');
  return color ? text : text.trimEnd();
}

function colored({ text, style }: Span): string {
  const code = CODES[style];
  return code === '' || text.trim() === '' ? text : `\x1b[${code}m${text}\x1b[0m`;
}

/** Fills up with blanks to `width`. */
export function padEnd(line: Line, width: number): Line {
  const missing = width - lineWidth(line);
  return missing > 0 ? [...line, span(' '.repeat(missing))] : line;
}

/** A heading that is drawn out to `width`; one that is longer is cut. */
export function rule(mark: string, title: string, style: Style, width: number): Line {
  const text = fit(`${mark.repeat(2)} ${title}`, width);
  const missing = width - displayWidth(text) - 1;
  return [span(missing > 0 ? `${text} ${mark.repeat(missing)}` : text, style)];
}

/** Breaks the spans into lines of at most `width` columns, 8 at least: at blanks, in words that are too long after a `/`, `|` or `,`. */
export function wrap(spans: Line, width: number): Line[] {
  const room = Math.max(width, 8);
  const lines: Span[][] = [];
  let line: Span[] = [];
  let used = 0;
  const words = spans.flatMap(({ text, style }) =>
    text
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => span(word, style)),
  );
  for (const word of words.flatMap((piece) => breakWord(piece, room))) {
    const size = displayWidth(word.text);
    if (used > 0 && used + 1 + size > room) {
      lines.push(line);
      line = [];
      used = 0;
    }
    if (used > 0) line.push(span(' ', line.at(-1)?.style === word.style ? word.style : 'plain'));
    line.push(word);
    used += size + (used > 0 ? 1 : 0);
  }
  return line.length > 0 ? [...lines, line] : lines;
}

function breakWord({ text, style }: Span, width: number): Span[] {
  if (displayWidth(text) <= width) return [span(text, style)];
  const head = cutPoint(text, width);
  return [span(text.slice(0, head), style), ...breakWord(span(text.slice(head), style), width)];
}

/** Where a word that is too long is cut: after the last separator of the second half that fits, else where it is full. */
function cutPoint(text: string, width: number): number {
  let full = 0;
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used > width) break;
    full += character.length;
  }
  const separator = Math.max(...['/', '|', ',', ':'].map((mark) => text.lastIndexOf(mark, full - 1)));
  return separator + 1 > full / 2 ? separator + 1 : full;
}
