import type { CgroupDirectory } from './cgroup/driver.js';
import { openCgroup } from './cgroup/open.js';
import { UserError } from './errors.js';
import type { RunningEntry } from './find.js';
import { holdRunning } from './hold.js';
import { probeHost } from './host/probe.js';
import { changeKeptOptions } from './kept-options.js';
import { checkOptions } from './spec/check-options.js';
import { type LimitOptions, toLimits } from './spec/from-options.js';
import type { Resources } from './spec/types.js';
import { systemError } from './state/failure.js';
import { writeByRename } from './state/file.js';
import { journal } from './state/journal.js';
import { merge, type Updatable } from './state/update-record.js';
import { ownCgroups, type UndoContext, undoContext } from './undo.js';

/** New limits for a running container: bytes and numbers as those of `run`; what is left out stays. */
export interface UpdateOptions extends LimitOptions {
  /**
   * On cgroup version 2, set a memory limit that the use cannot be brought below as well: the kernel then kills to get there. Version 1
   * never takes such a limit.
   */
  readonly force?: boolean;
}

/**
 * Changes the limits of a running container, all of them or none, and notes them in its `update.json`, for `crt ps` and a later restart.
 * With `memory` alone the swap that it may use beside stays what it was.
 * @throws NoContainerError; UserError when it does not run, for a wrong option, a limit that the kernel refuses, or memory below the use
 */
export function update(name: string, { force = false, ...limits }: UpdateOptions, context: UndoContext = undoContext()): void {
  if (Object.values(limits).every((value) => value === undefined))
    throw new UserError('no limit was given to change', { hint: 'for example: --memory 100m, --cpus 0.5, --pids-limit 200' });
  holdRunning(name, context, (entry) => {
    const { cgroup: facts, cpus } = probeHost();
    const wanted = withMemory(limits, openCgroup(facts, name, {}).memory());
    checkOptions({ name, ...wanted });
    apply(entry, openCgroup(facts, name, toLimits(wanted, cpus)), { resources: toLimits(wanted, cpus), options: given(wanted), force });
    journal(context.roots, { event: 'update', name, id: entry.record.id });
  });
}

/** The two limits of memory go together: each alone is completed by what is in force. */
export function withMemory(limits: LimitOptions, now: { limit: number | undefined; swap: number | undefined }): LimitOptions {
  const { memory = now.limit, memorySwap } = limits;
  if (limits.memory === undefined && memorySwap === undefined) return limits;
  if (memory === undefined)
    throw new UserError('memorySwap: it has no limit of memory that swap could be added to', { hint: 'give --memory, too' });
  return { ...limits, memory, memorySwap: memorySwap ?? swapBeside(memory, now) };
}

/** Without those that are left out: they stay. */
function given(limits: LimitOptions): LimitOptions {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** As much swap as before; none where there was no limit of memory before, as at a start. */
function swapBeside(memory: number, now: { limit: number | undefined; swap: number | undefined }): number {
  if (now.limit === undefined || now.swap === undefined) return memory;
  return now.swap === -1 ? -1 : memory + (now.swap - now.limit);
}

function apply(entry: RunningEntry, cgroup: ReturnType<typeof openCgroup>, { resources, options, force }: Change): void {
  const own = ownCgroups(entry);
  const note = (made: readonly CgroupDirectory[]): void =>
    writeState(entry, 'cgroup.json', { bootId: entry.init.bootId, directories: [...own, ...made] });
  const undone = [cgroup.update({ own, force, note })];
  const changed: Updatable = merge(entry.update?.resources ?? {}, resources);
  try {
    undone.unshift(changeKeptOptions(entry.record, options));
    writeState(entry, 'update.json', { start: entry.record.start, updated: new Date().toISOString(), resources: changed });
  } catch (error) {
    for (const putBack of undone) putBack();
    throw systemError(`the new limits of ${entry.name} cannot be written down, so nothing was changed`, error);
  }
}

interface Change {
  readonly resources: Resources;
  /** The same as options of a start. */
  readonly options: LimitOptions;
  readonly force: boolean;
}

function writeState({ directory }: RunningEntry, file: string, content: object): void {
  try {
    writeByRename(directory, file, JSON.stringify({ version: 1, ...content }));
  } catch (error) {
    throw systemError(`cannot write ${directory}/${file}`, error);
  }
}
