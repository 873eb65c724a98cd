import { lstatSync } from 'node:fs';
import { UserError } from './errors.js';
import { bootId, isAlive } from './host/process.js';
import { sweepIds } from './ids.js';
import { layerSize, lostLayers } from './layer.js';
import type { HostPath } from './plan/step.js';
import { type Removed, remove } from './remove.js';
import { parseInstant } from './spec/instant.js';
import { quote } from './spec/quote.js';
import { removeFolder } from './state/file.js';
import { isOrphaned, isSame, status } from './state/status.js';
import { type Entry, read, readAll } from './state/store.js';
import { lostTemporaries } from './state/temporary.js';
import { type UndoContext, undoContext } from './undo.js';

export interface PruneOptions {
  /** `until=TIME`: only what was made before, as `parseInstant` reads times (`24h` is a day ago). */
  readonly filter?: readonly string[];
}

/** Something that nothing uses any more. */
export interface Prunable {
  /** `stopped`: kept on purpose. `leftover`: of a crash. `layer`: has lost its record. `temporary`: a state folder half made or half removed. */
  readonly kind: 'stopped' | 'leftover' | 'layer' | 'temporary';
  /** The container's name; of a temporary folder its path. */
  readonly name: string;
  /** Bytes on disk of its writable layer, 0 without one; undefined where it cannot be told. */
  readonly bytes: number | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** What was seen: another container of the same name is left alone. */
  readonly entry: Entry | undefined;
}

/** How the removal of one of them went. */
export interface Pruned extends Omit<Prunable, 'entry'> {
  /** What was removed of a container. */
  readonly removed: Removed | undefined;
  /** Why it was not removed: it runs again, or something cannot be undone. */
  readonly problem: UserError | undefined;
}

/** What {@link prune} would remove; only looks. @throws UserError for a filter that is not valid, or when the state cannot be read: not root. */
export function prunable({ filter = [] }: PruneOptions = {}, { roots }: UndoContext = undoContext()): readonly Prunable[] {
  const before = Math.min(...filter.map(parseFilter), Number.POSITIVE_INFINITY);
  const found = [
    ...readAll(roots).flatMap(ofEntry),
    ...lostLayers(roots)
      .filter(({ record }) => !isAlive(record.owner))
      .map(({ layer, record }) => ({
        kind: 'layer' as const,
        name: record.name,
        bytes: layerSize(layer),
        created: Date.parse(record.created),
        entry: undefined,
      })),
    ...lostTemporaries(roots, bootId()).flatMap(ofTemporary),
  ];
  return found.filter(({ created }) => created < before);
}

/** Running ones are not looked at, nor damaged ones: they may run. */
function ofEntry(entry: Entry): Prunable[] {
  const { record, name } = entry;
  const now = status(entry);
  // One that is not kept, and has ended, is just being cleared up by its own supervisor.
  if (record === undefined || !(now === 'leftover' || (now === 'stopped' && record.keep))) return [];
  const kind = isOrphaned(entry) ? 'leftover' : 'stopped';
  const bytes = record.layer === undefined ? 0 : layerSize(record.layer);
  return [{ kind, name, bytes, created: Date.parse(record.created), entry }];
}

function ofTemporary(path: HostPath): Prunable[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? [] : [{ kind: 'temporary', name: path, bytes: 0, created: stat.mtimeMs, entry: undefined }];
}

/** Removes each of them, unless it has changed since it was looked at. One that cannot be removed does not keep the others. */
export function prune(found: readonly Prunable[], context: UndoContext = undoContext()): readonly Pruned[] {
  const pruned = found.map(({ entry, ...one }): Pruned => {
    try {
      return { ...one, removed: removeOne({ entry, ...one }, context), problem: undefined };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ...one, removed: undefined, problem: error };
    }
  });
  sweepIds(context.roots);
  return pruned;
}

/** By the locks of `remove`, which judges again, and refuses what runs. */
function removeOne({ kind, name, entry }: Prunable, context: UndoContext): Removed | undefined {
  if (kind === 'temporary') {
    // By its name alone it was of a dead process, and only that process would have used it.
    removeFolder(name);
    return undefined;
  }
  const now = read(context.roots, name);
  const isOther = entry === undefined ? now !== undefined : now !== undefined && !isSame(now, entry);
  if (isOther) throw new UserError(`${name} is another container by now`, { hint: 'crt ps -a' });
  return remove(name, {}, context);
}

function parseFilter(text: string): number {
  const [, key, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (key !== 'until') throw new UserError(`unknown filter ${quote(text)}`, { hint: '--filter until=24h' });
  return parseInstant(value, '--filter until');
}
