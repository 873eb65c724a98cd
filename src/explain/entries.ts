import type { StepResult } from '../options.js';
import type { Actor, OpName } from '../plan/ops.js';
import type { Chapter, Plan, Step } from '../plan/step.js';
import { phraseRun, phraseStep } from './phrase.js';
import type { Secrecy } from './secrets.js';

/** One step, or a run of steps that differ only in their operands: forty links in a row are one thing to a reader. */
export interface Entry {
  /** Indexes in the plan, from 0. */
  readonly first: number;
  readonly last: number;
  readonly step: Step;
  /** Its operands, or theirs. */
  readonly phrase: string;
  /** Microseconds of all its steps; undefined when none of them has run. */
  readonly micros: number | undefined;
  /** errno(3) of the step that failed, else 0. */
  readonly errno: number;
}

/** Steps of one chapter in a row. A chapter can come back later: the order is that of the plan. */
export interface Section {
  readonly chapter: Chapter;
  /** Where the chapter's story is told: its first section that does more than make ready. Others come `before` or `after` it. */
  readonly place: 'before' | 'main' | 'after';
  readonly entries: readonly Entry[];
}

const LEAST_RUN = 3;

export function entriesOf(plan: Plan, results: readonly StepResult[], secrecy: Secrecy = {}): Entry[] {
  const byIndex = new Map(results.map((result) => [result.index, result]));
  const entries: Entry[] = [];
  for (let first = 0; first < plan.steps.length; ) {
    const length = runLength(plan.steps, first, byIndex);
    const steps = plan.steps.slice(first, first + length);
    const [step] = steps;
    if (!step) break;
    const done = steps.map((_, offset) => byIndex.get(first + offset)).filter((result) => result !== undefined);
    const micros = done.length === 0 ? undefined : done.reduce((sum, result) => sum + result.micros, 0);
    const errno = done.find((result) => result.errno !== 0)?.errno ?? 0;
    entries.push({
      first,
      last: first + length - 1,
      step,
      phrase: steps.length === 1 ? phraseStep(step, secrecy) : phraseRun(steps, secrecy),
      micros,
      errno,
    });
    first += length;
  }
  return entries;
}

export function sectionsOf(entries: readonly Entry[]): Section[] {
  const runs: { chapter: Chapter; entries: Entry[] }[] = [];
  for (const entry of entries) {
    const { chapter } = entry.step;
    if (runs.at(-1)?.chapter !== chapter) runs.push({ chapter, entries: [] });
    runs.at(-1)?.entries.push(entry);
  }
  return runs.map((run, index) => {
    const main = mainRun(runs.filter(({ chapter }) => chapter === run.chapter));
    const at = main ? runs.indexOf(main) : index;
    return { ...run, place: index < at ? 'before' : index === at ? 'main' : 'after' };
  });
}

/** Steps that only make ready what a chapter is about, or belong to every process. */
const PREPARATORY: ReadonlySet<OpName> = new Set(['open', 'bind-source', 'file', 'parent-death']);

function mainRun<Run extends { readonly entries: readonly Entry[] }>(runs: readonly Run[]): Run | undefined {
  return runs.find(({ entries }) => entries.some(({ step }) => !PREPARATORY.has(step.op))) ?? runs[0];
}

/** The actors in the order in which they first have a turn. */
export function firstTurns(entries: readonly Entry[]): ReadonlyMap<Actor, Entry> {
  const turns = new Map<Actor, Entry>();
  for (const entry of entries) if (!turns.has(entry.step.actor)) turns.set(entry.step.actor, entry);
  return turns;
}

function runLength(steps: readonly Step[], first: number, results: ReadonlyMap<number, StepResult>): number {
  const start = steps[first];
  const failed = (index: number): boolean => (results.get(index)?.errno ?? 0) !== 0;
  let next = first;
  while (start && next < steps.length && isAlike(start, steps[next]) && !failed(next)) next++;
  return next - first >= LEAST_RUN ? next - first : 1;
}

function isAlike(a: Step, b: Step | undefined): boolean {
  return (
    b !== undefined &&
    a.op === b.op &&
    a.actor === b.actor &&
    a.chapter === b.chapter &&
    a.why === b.why &&
    a.flags.join() === b.flags.join()
  );
}
