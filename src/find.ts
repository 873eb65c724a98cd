import { NoContainerError, UserError } from './errors.js';
import { shellWord } from './format/shell-word.js';
import type { ProcessIdentity } from './host/process.js';
import type { ContainerRecord } from './state/record.js';
import type { Roots } from './state/roots.js';
import { initAlive, status } from './state/status.js';
import { type Entry, read } from './state/store.js';

/** A container whose record can be read, and whose PID 1 lives. */
export interface RunningEntry extends Entry {
  readonly record: ContainerRecord;
  readonly init: ProcessIdentity;
}

/** The container that holds this name. @throws NoContainerError; UserError when the state cannot be read: not root */
export function find(name: string, roots: Pick<Roots, 'state'>): Entry {
  const entry = isFileName(name) ? read(roots, name) : undefined;
  if (entry === undefined) throw new NoContainerError(`there is no container named ${JSON.stringify(name)}`, { hint: 'crt ps -a' });
  return entry;
}

/** The same, while it runs. @throws NoContainerError; UserError when it does not run, or its record is damaged */
export function findRunning(name: string, roots: Pick<Roots, 'state'>): RunningEntry {
  const entry = find(name, roots);
  const { record, init } = entry;
  if (record !== undefined && init !== undefined && initAlive(entry)) return { ...entry, record, init };
  throw new UserError(`${name} is not running, it is ${status(entry)}${entry.problem === undefined ? '' : `: ${entry.problem}`}`, {
    hint: entry.problem === undefined ? 'crt ps -a' : `crt rm -f ${shellWord(name)}`,
  });
}

/** One component of a path, not hidden: what `crt ps` can show, a damaged name included. */
export function isFileName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\0]/.test(name);
}
