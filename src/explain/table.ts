import { printable } from '../format/printable.js';
import type { StepResult } from '../options.js';
import type { Actor } from '../plan/ops.js';
import type { Plan } from '../plan/step.js';
import { ACTORS_IN_WORDS, CHAPTERS } from './chapters.js';
import { type Entry, entriesOf, firstTurns, type Section, sectionsOf } from './entries.js';
import { type Line, padEnd, paint, rule, type Span, span, wrap } from './layout.js';
import { errnoName } from './numbers.js';
import { meaningOf } from './ops.js';
import { phraseFlags } from './phrase.js';
import type { Secrecy } from './secrets.js';

/** How a page for a terminal is drawn. */
export interface PageOptions {
  /** Columns, 40 at least; no line is longer. */
  readonly width: number;
  /** With escape sequences for colours. */
  readonly color: boolean;
}

export interface ExplainOptions extends PageOptions, Secrecy {
  /** What the steps did, as far as they have run: adds durations and errors. */
  readonly results?: readonly StepResult[];
}

/** From here on the parts of a step stand beside each other. */
const WIDE = 100;
const NARROWEST = 40;
const ROOMY = 60;
const GAP = 2;

/** Everything that the layout of one page depends on. */
interface Page {
  readonly width: number;
  readonly labels: number;
  /** Columns for durations, 0 without results. */
  readonly times: number;
  readonly slowest: Entry | undefined;
  readonly firsts: ReadonlyMap<Actor, Entry>;
}

/**
 * The plan as a page to read: chapters with a sentence of story each, the steps numbered from 1 in the order in which they
 * happen, what each does, why, by which system calls, and where to read on. With `results` also how long each took, the
 * slowest marked. Three or more steps in a row that differ only in their operands are shown as one. Ended by a newline.
 */
export function explainPlan(plan: Plan, options: ExplainOptions): string {
  const entries = entriesOf(plan, options.results ?? [], options);
  const width = Math.max(options.width, NARROWEST);
  const page: Page = {
    width,
    labels: Math.max(2, ...entries.map((entry) => label(entry, { width }).length)),
    times: options.results ? 10 : 0,
    slowest: slowestOf(entries),
    firsts: firstTurns(entries),
  };
  const body = sectionsOf(entries).flatMap((section, index, all) => drawSection(section, all[index - 1], page));
  const lines = [...body, ...drawTotal(plan, entries, page)];
  return lines.map((line) => `${paint(line, options.color)}\n`).join('');
}

function drawSection({ chapter, place, entries }: Section, before: Section | undefined, page: Page): Line[] {
  const { title, story } = CHAPTERS[chapter];
  const lines =
    place === 'main'
      ? [rule('━', title, 'heading', page.width), ...wrap([span(story, 'story')], page.width)]
      : [rule('─', place === 'after' ? `${title}, continued` : title, 'faint', page.width)];
  if (before) lines.unshift([]);
  let previous = before?.entries.at(-1);
  for (const entry of entries) {
    if (previous?.step.actor !== entry.step.actor) lines.push(...drawTurn(entry, page));
    lines.push(...drawEntry(entry, entry === entries[0] ? undefined : previous, page));
    previous = entry;
  }
  return lines;
}

/** The baton changes hands. */
function drawTurn({ step }: Entry, page: Page): Line[] {
  const isFirst = page.firsts.get(step.actor)?.step === step;
  const text = isFirst ? `▸ ${step.actor}: ${ACTORS_IN_WORDS[step.actor]}` : `▸ ${step.actor}`;
  return wrap([span(text, 'actor')], page.width);
}

function drawEntry(entry: Entry, previous: Entry | undefined, page: Page): Line[] {
  // A reason that only repeats an operand is none.
  const why = entry.phrase.includes(entry.step.why) ? [] : [span(printable(entry.step.why))];
  const number = span(label(entry, page).padStart(page.labels), 'faint');
  const calls = callsOf(entry, previous);
  const lines = page.width >= WIDE ? drawColumns(entry, why, calls, page) : drawStack(entry, why, calls, page);
  return lines.map((line, index) => [index === 0 ? number : span(' '.repeat(page.labels)), span(' '.repeat(GAP)), ...line]);
}

/** System calls and manual pages; after a step of the same verb only what is new. */
function callsOf({ step }: Entry, previous: Entry | undefined): Span[] {
  const { syscalls, man } = meaningOf(step);
  if (previous?.step.op === step.op) {
    const known = meaningOf(previous.step).man;
    return [span('″', 'faint'), ...man.filter((name) => !known.includes(name)).map((name) => span(name, 'faint'))];
  }
  const between = syscalls.length > 0 ? [span('·', 'faint')] : [];
  return [...syscalls.map((call) => span(call, 'calls')), ...between, ...man.map((name) => span(name, 'faint'))];
}

function drawColumns(entry: Entry, why: Line, calls: Line, page: Page): Line[] {
  const room = page.width - page.labels - GAP - (page.times > 0 ? page.times + GAP : 0) - 2 * GAP;
  const widths = [Math.floor(room * 0.42), Math.floor(room * 0.27)];
  widths.push(room - (widths[0] ?? 0) - (widths[1] ?? 0));
  const cells = [whatOf(entry), why, calls].map((cell, index) => wrap(cell, widths[index] ?? room));
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, row) => {
    const line = cells.flatMap((cell, index) => padEnd(cell[row] ?? [], (widths[index] ?? 0) + (index < 2 ? GAP : 0)));
    return row === 0 && page.times > 0 ? [...line, span(' '.repeat(GAP)), timeOf(entry, page)] : line;
  });
}

function drawStack(entry: Entry, why: Line, calls: Line, page: Page): Line[] {
  const room = page.width - page.labels - GAP;
  const [first = [], ...rest] = wrap(whatOf(entry), room - (page.times > 0 ? page.times + 1 : 0));
  const top = page.times > 0 ? [...padEnd(first, room - page.times), timeOf(entry, page)] : first;
  return [top, ...rest, ...wrap(why, room - GAP).map(indent), ...(calls.length > 1 ? wrap(calls, room - GAP).map(indent) : [])];
}

function indent(line: Line): Line {
  return [span(' '.repeat(GAP)), ...line];
}

function whatOf({ first, last, step, phrase, errno }: Entry): Span[] {
  const count = last - first + 1;
  const verb = span(count === 1 ? step.op : `${step.op} ×${count}`, 'verb');
  return [verb, span(phrase), span(phraseFlags(step), 'faint'), ...(errno === 0 ? [] : [span(`✗ ${errnoName(errno)}`, 'failed')])];
}

function timeOf(entry: Entry, page: Page): Span {
  const text = entry.micros === undefined ? '–' : duration(entry.micros);
  if (entry === page.slowest) return span(`◂ ${text}`.padStart(page.times), 'slowest');
  return span(text.padStart(page.times), entry.errno === 0 ? 'time' : 'failed');
}

function drawTotal(plan: Plan, entries: readonly Entry[], page: Page): Line[] {
  const total = entries.reduce((sum, { micros }) => sum + (micros ?? 0), 0);
  const parts: Span[] = [span(`${plan.steps.length} steps`, 'verb')];
  if (page.times > 0) parts.push(span(`in ${duration(total)}`, 'time'));
  if (page.slowest && total > 0)
    parts.push(
      span(
        `· slowest: ${label(page.slowest, page)} ${page.slowest.step.op}, ${Math.round(((page.slowest.micros ?? 0) * 100) / total)} % of it`,
        'slowest',
      ),
    );
  return [[], ...wrap(parts, page.width)];
}

function slowestOf(entries: readonly Entry[]): Entry | undefined {
  return entries.reduce<Entry | undefined>((slowest, entry) => ((entry.micros ?? 0) > (slowest?.micros ?? 0) ? entry : slowest), undefined);
}

/** The numbers of the steps, from 1; where room is short only the first, as the verb has the count. */
function label({ first, last }: Entry, { width }: Pick<Page, 'width'>): string {
  return first === last || width < ROOMY ? String(first + 1) : `${first + 1}–${last + 1}`;
}

/** At most 8 columns: microseconds up to 9 999, above them in a larger unit. */
function duration(micros: number): string {
  const [value, unit] = micros < 10_000 ? [micros, 'µs'] : micros < 9_999_500 ? [micros / 1e3, 'ms'] : [micros / 1e6, 's'];
  return `${String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ')} ${unit}`;
}
