import { displayWidth, fit, printable } from './printable.js';

/** One column of a table over rows of type `Row`. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Columns of the terminal that it may be narrowed to; without it the column is never narrowed. */
  readonly shrinkTo?: number;
  /** What may be left out on a narrow terminal: the highest number goes first. Without it the column stays. */
  readonly drop?: number;
}

export interface TableOptions {
  /** Columns of the terminal; undefined = unlimited (a pipe). */
  readonly width?: number | undefined;
  /** False: nothing is cut or left out, lines may be longer than `width`. Default true. */
  readonly truncate?: boolean;
}

const GAP = '  ';

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

/**
 * An aligned table with a line of titles, each line ended by a newline. Cells are made harmless: no text of a
 * container can send an escape sequence to the terminal or forge a line.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, truncate = true }: TableOptions = {},
): string {
  const laid = columns.map((column) => lay(column, rows));
  const limit = truncate && width !== undefined ? width : undefined;
  const fitted = limit === undefined ? laid : narrow(leaveOut(laid, limit), limit);
  const lines = [-1, ...rows.keys()].map((row) => renderLine(fitted, row, limit));
  return lines.map((line) => `${line}\n`).join('');
}

function lay<Row>(column: Column<Row>, rows: readonly Row[]): Laid<Row> {
  const cells = rows.map((row) => printable(column.value(row)));
  return { column, cells, width: Math.max(displayWidth(column.title), ...cells.map(displayWidth)) };
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

/** The least that a column needs. */
function leastWidth<Row>({ column, width }: Laid<Row>): number {
  return Math.min(width, Math.max(column.shrinkTo ?? width, displayWidth(column.title)));
}

function leaveOut<Row>(laid: readonly Laid<Row>[], limit: number): readonly Laid<Row>[] {
  if (total(laid.map(leastWidth)) <= limit) return laid;
  const last = Math.max(...laid.map(({ column }) => column.drop ?? -1));
  if (last < 0) return laid;
  const index = laid.findIndex(({ column }) => column.drop === last);
  return leaveOut(
    laid.filter((_, at) => at !== index),
    limit,
  );
}

/** Takes one terminal column after the other from the widest that can give one. */
function narrow<Row>(laid: readonly Laid<Row>[], limit: number): readonly Laid<Row>[] {
  const widths = laid.map(({ width }) => width);
  const least = laid.map(leastWidth);
  for (let excess = total(widths) - limit; excess > 0; excess--) {
    const spare = widths.map((width, index) => (width > (least[index] ?? width) ? width : 0));
    const widest = Math.max(...spare);
    if (widest === 0) break;
    widths[spare.indexOf(widest)] = widest - 1;
  }
  return laid.map((one, index) => ({ ...one, width: widths[index] ?? one.width }));
}

/** `row` −1 is the line of titles. */
function renderLine<Row>(laid: readonly Laid<Row>[], row: number, limit: number | undefined): string {
  const cells = laid.map(({ column, cells: texts, width }) => {
    const text = fit(row < 0 ? column.title : (texts[row] ?? ''), width);
    const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
    return column.align === 'right' ? padding + text : text + padding;
  });
  const line = cells.join(GAP).trimEnd();
  return limit === undefined ? line : fit(line, limit);
}
