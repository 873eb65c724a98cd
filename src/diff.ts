import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from './errors.js';
import { find, isFileName } from './find.js';
import { shellWord } from './format/shell-word.js';
import { lostLayers } from './layer.js';
import { compareLayers, type Kind } from './layer-changes.js';
import type { DecodedStep } from './plan/decode.js';
import { CorruptFile } from './state/file.js';
import { readStartedPlan } from './state/started.js';
import { type Entry, read } from './state/store.js';
import { type UndoContext, undoContext } from './undo.js';

/** One path that is not as in the root file system: `A` added, `C` changed, `D` deleted. */
export interface Change {
  readonly kind: 'A' | 'C' | 'D';
  /** Inside the container, absolute. What is not UTF-8 in a name is U+FFFD. */
  readonly path: string;
}

export interface Difference {
  /** By path, byte by byte. */
  readonly changes: readonly Change[];
  /** Folders so deep that what is below them was not looked at. */
  readonly tooDeep: readonly string[];
}

/**
 * What a container changed in its root file system, by its writable layer: while it runs, or afterwards if the layer is kept. What
 * crt put there itself, to mount on, is left out.
 * @throws NoContainerError; UserError when its writes are in no layer on disk, or the record is damaged
 */
export function diff(name: string, context: UndoContext = undoContext()): Difference {
  refuseLost(name, context);
  const entry = find(name, context.roots);
  const plan = readPlan(entry);
  const { layer, ids = 0 } = entry.record ?? {};
  // Of a detached one the folder is there in any case, for its log.
  if (layer === undefined || !existsSync(`${layer}/upper`)) throw noLayer(name, plan);
  const { kinds, tooDeep } = compareLayers({ upper: `${layer}/upper`, lower: lowerOf(plan, name), shift: ids }, context.verbs);
  return { changes: choose(kinds, targetsOf(plan)), tooDeep: [...tooDeep].sort().map(decode) };
}

/** A restart empties /run; the layer is left, and nothing says what lies below it. */
function refuseLost(name: string, { roots }: UndoContext): void {
  if (!isFileName(name) || read(roots, name) !== undefined) return;
  const [lost] = lostLayers(roots, name);
  if (lost === undefined) return;
  throw new UserError(`the record of ${name} is gone, and with it what its layer is compared with`, {
    hint: `what it wrote is in ${shellWord(`${lost.layer}/upper`)}`,
  });
}

function readPlan({ name, directory, record, problem }: Entry): readonly DecodedStep[] {
  const damaged = (what: string, cause?: unknown): UserError =>
    new UserError(`cannot tell what ${name} changed: ${what}`, { hint: `crt rm ${shellWord(name)}`, check: 'leftovers', cause });
  if (record === undefined) throw damaged(problem ?? 'its record is damaged');
  let plan: readonly DecodedStep[] | undefined;
  try {
    plan = readStartedPlan(directory);
  } catch (error) {
    throw damaged(`its plan ${error instanceof CorruptFile ? error.message : 'cannot be read'}`, error);
  }
  if (plan === undefined) throw new UserError(`${name} is only being started, or was started by an older crt`, { hint: 'crt ps -a' });
  return plan;
}

function noLayer(name: string, plan: readonly DecodedStep[]): UserError {
  const isInMemory = plan.some(({ op }) => op === 'overlay');
  if (isInMemory)
    return new UserError(`${name} has its writable layer in memory, where only the container sees it (--storage-size)`, {
      hint: 'run it without --storage-size, then its layer is on disk',
    });
  return new UserError(`${name} has no writable layer: it writes to the root file system itself (--writable-rootfs), or not at all`, {
    hint: 'run it without --writable-rootfs and --read-only, then its writes are kept apart',
  });
}

/** The host's path of the root file system; the plan may show it through a mount that maps its ids. */
function lowerOf(plan: readonly DecodedStep[], name: string): string {
  const overlay = plan.findIndex(({ op }) => op === 'overlay');
  // Slots are used again: the last to fill it before counts.
  const opened = plan
    .slice(0, overlay)
    .findLast(({ op, operands }) => op === 'open' && operands['fd'] === plan[overlay]?.operands['lower']);
  const path = opened?.operands['path'];
  const mapped = plan.find(({ op, operands }) => op === 'bind-source' && operands['target'] === path);
  const source = mapped?.operands['source'] ?? path;
  if (typeof source !== 'string') throw new UserError(`cannot tell what ${name} changed: its plan has no layer`, { check: 'leftovers' });
  return source;
}

/** Paths that crt made where they were missing, to mount something there or to start in. */
function targetsOf(plan: readonly DecodedStep[]): readonly string[] {
  const targets = plan.filter(({ actor }) => actor === 'init').map(({ operands }) => operands['target'] ?? operands['directory']);
  return targets.filter((target) => typeof target === 'string').map((target) => Buffer.from(target.replace(/\/+$/, '')).toString('latin1'));
}

/**
 * Folders are in the upper layer also because something below them is. They are shown with what is shown below them, and for their
 * own sake when they differ; but what differs because crt has made a place to mount on is nothing that the container did.
 */
function choose(kinds: ReadonlyMap<string, Kind>, targets: readonly string[]): readonly Change[] {
  const made = new Set(targets);
  const around = new Set(targets.flatMap(parents));
  const needed = new Set<string>();
  const isShown = (kind: Kind, path: string): boolean => {
    if (needed.has(path)) return true;
    if (kind === 'c' || (kind === 'm' && around.has(path))) return false;
    return kind !== 'a' || !(made.has(path) || around.has(path));
  };
  // From the end: what is in a folder before the folder.
  const found = [...kinds].sort(([a], [b]) => (a < b ? 1 : -1));
  const shown = found.flatMap(([path, kind]): Change[] => {
    if (!isShown(kind, path)) return [];
    for (const parent of parents(path)) needed.add(parent);
    return [{ kind: kind === 'a' ? 'A' : kind === 'D' || kind === 'A' ? kind : 'C', path: decode(path) }];
  });
  return shown.reverse();
}

/** Of a path with a character for each byte. */
function decode(path: string): string {
  return Buffer.from(path, 'latin1').toString();
}

/** The folders above a path, `/` left out. */
function parents(path: string): string[] {
  const found: string[] = [];
  for (let parent = dirname(path); parent !== '/' && parent !== '.'; parent = dirname(parent)) found.push(parent);
  return found;
}
