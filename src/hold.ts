import { NoContainerError } from './errors.js';
import { findRunning, type RunningEntry } from './find.js';
import { withUndoLock } from './state/lock.js';
import { isSame } from './state/status.js';
import type { UndoContext } from './undo.js';

/**
 * Works on a running container while nobody can take it apart, or make another of its name: under the undo lock, judged again.
 * It may end meanwhile all the same; its cgroups and its folder stay.
 * @throws NoContainerError; UserError when it does not run
 */
export function holdRunning<T>(name: string, { roots }: Pick<UndoContext, 'roots'>, work: (entry: RunningEntry) => T): T {
  const seen = findRunning(name, roots);
  const done = withUndoLock(seen.directory, () => {
    const entry = findRunning(name, roots);
    return isSame(entry, seen) ? { value: work(entry) } : undefined;
  });
  if (done === undefined) throw new NoContainerError(`${name} has just ended`, { hint: 'crt ps -a' });
  return done.value;
}
