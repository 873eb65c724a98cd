import { openCgroup } from './cgroup/open.js';
import { exitCodeOf } from './exit-code.js';
import type { CgroupFacts } from './host/facts.js';
import { probeHost } from './host/probe.js';
import { bootId, isAlive } from './host/process.js';
import { sweepIds } from './ids.js';
import { type LostLayer, lostLayers, removeLayer } from './layer.js';
import { parseFilters } from './list-filter.js';
import { type ShownStatus, shownStatus } from './pause.js';
import type { ContainerRecord } from './state/record.js';
import { initAlive, isOrphaned } from './state/status.js';
import { type Entry, read, readAll } from './state/store.js';
import { sweepTemporaries } from './state/temporary.js';
import { ownCgroups, type UndoContext, undo, undoContext } from './undo.js';

export interface ListOptions {
  /** Stopped containers too. What is corrupt, or a leftover that could not be undone, is always shown. */
  readonly all?: boolean;
  /** `KEY=VALUE`, see list-filter.ts. Of one key any may match, of different keys all must; some keys show stopped ones without `all`. */
  readonly filter?: readonly string[];
  /** Only so many, those that were created last, the newest first; of all states. A whole number from 0. */
  readonly last?: number;
}

/** One line of `crt ps`. What is undefined is not known: the state is corrupt, or the kernel does not say. */
export interface ContainerSummary {
  readonly name: string;
  readonly status: ShownStatus;
  /** Tells it from an earlier or later one of the same name. */
  readonly id: string | undefined;
  /** The container's PID 1 as the host numbers it, while it lives. */
  readonly pid: number | undefined;
  /** ISO 8601, UTC. */
  readonly created: string | undefined;
  /** Milliseconds since then, never negative. */
  readonly ageMs: number | undefined;
  /** Bytes. */
  readonly memoryUsage: number | undefined;
  /** Bytes; the limit in force, else the one asked for. */
  readonly memoryLimit: number | undefined;
  readonly command: readonly string[] | undefined;
  readonly rootfs: string | undefined;
  readonly rootfsKind: string | undefined;
  /** The kept writable layer, or that of a living container. */
  readonly layer: string | undefined;
  /** Of a stopped container; null when nobody saw the end. */
  readonly exitCode: number | null | undefined;
  readonly loosened: readonly string[] | undefined;
  /** What is wrong with it, for people. */
  readonly problem: string | undefined;
}

/**
 * The containers of this machine, by name. Leftovers of crashed ones are undone on the way, where that is permitted.
 * @throws UserError for a filter that is not valid, or when the state cannot be read: not root.
 */
export function list(
  { all = false, filter = [], last }: ListOptions = {},
  context: UndoContext = undoContext(),
): readonly ContainerSummary[] {
  const chosen = parseFilters(filter);
  const summaries = [...summarizeAll(context), ...summarizeLost(context)];
  const matches = chosen.among(summaries);
  const shown = summaries.filter((summary) => all || last !== undefined || chosen.showsStopped || summary.status !== 'stopped');
  const matching = shown.filter(matches).sort((a, b) => (a.name < b.name ? -1 : 1));
  return last === undefined ? matching : matching.sort((a, b) => (b.created ?? '').localeCompare(a.created ?? '')).slice(0, last);
}

function summarizeAll(context: UndoContext): readonly ContainerSummary[] {
  const entries = readAll(context.roots);
  // Without it nobody can be told alive from dead: an error, also where there is nothing to list.
  const boot = bootId();
  attempt(() => sweepTemporaries(context.roots, boot));
  attempt(() => sweepIds(context.roots));
  let facts: CgroupFacts | undefined;
  return entries.flatMap((seen) => {
    const { entry, problem } = repair(seen, context);
    if (entry === undefined) return [];
    return summarize(entry, problem, () => (facts ??= probeHost().cgroup));
  });
}

/** Undoes a leftover; what cannot be undone is shown with the reason. */
function repair(entry: Entry, context: UndoContext): { entry: Entry | undefined; problem: string | undefined } {
  if (!isOrphaned(entry)) return { entry, problem: entry.problem };
  const problem = attempt(() => undo(entry.directory, context));
  return { entry: read(context.roots, entry.name), problem };
}

/** @returns why it did not work. */
function attempt(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function summarize(entry: Entry, problem: string | undefined, facts: () => CgroupFacts): ContainerSummary {
  const stats = ownCgroups(entry).length > 0 ? openCgroup(facts(), entry.name, {}).stats() : undefined;
  return {
    ...describe(entry.name, entry.record),
    status: shownStatus(entry),
    pid: initAlive(entry) ? entry.init?.pid : undefined,
    memoryUsage: stats?.memoryUsage,
    memoryLimit: stats?.memoryLimit ?? entry.record?.memoryLimit,
    exitCode: entry.exit === undefined ? entry.ended && exitCodeOf(entry.ended, false).exitCode : entry.exit.exitCode,
    problem: problem ?? (entry.restart?.error && `its start failed: ${entry.restart.error}`),
  };
}

function describe(
  name: string,
  record: ContainerRecord | undefined,
): Omit<ContainerSummary, 'status' | 'pid' | 'memoryUsage' | 'exitCode' | 'problem'> {
  return {
    name,
    id: record?.id,
    created: record?.created,
    ageMs: record && Math.max(0, Date.now() - Date.parse(record.created)),
    memoryLimit: record?.memoryLimit,
    command: record?.command,
    rootfs: record?.rootfs,
    rootfsKind: record?.rootfsKind,
    layer: record?.layer,
    loosened: record?.loosened,
  };
}

/** Layers that outlived their state folder: a kept one is shown until `crt rm`, any other is removed. */
function summarizeLost({ roots }: UndoContext): readonly ContainerSummary[] {
  return readLost(() => lostLayers(roots)).flatMap(({ layer, record }) => {
    // Somebody removed the state folder of a living container by hand: its layer is in use.
    if (isAlive(record.owner)) return [];
    const problem = record.keep ? undefined : attempt(() => removeLayer(roots.layers, layer));
    if (!record.keep && problem === undefined) return [];
    const known = { pid: undefined, memoryUsage: undefined, exitCode: null, problem };
    return { ...describe(record.name, record), ...known, layer, status: record.keep ? ('stopped' as const) : ('leftover' as const) };
  });
}

function readLost(find: () => readonly LostLayer[]): readonly LostLayer[] {
  try {
    return find();
  } catch {
    // The layers root cannot be read; the state root could, and that is what counts.
    return [];
  }
}
