import { constants } from 'node:os';
import { isFrozen, thaw } from './cgroup/freezer.js';
import { toSend } from './container.js';
import { UserError } from './errors.js';
import { findRunning, type RunningEntry } from './find.js';
import { isForeign } from './host/process.js';
import { Control, MonitorSilent } from './launch/control.js';
import { signalValue } from './launch/requests.js';
import { tryToForbid } from './restart.js';
import { ownCgroups, type UndoContext, undoContext } from './undo.js';

/**
 * Sends a signal to the command of a running container, by its monitor, or by a pidfd where that is dead or silent: never to a bare number. PID 1
 * ignores what it does not handle (pid_namespaces(7)): of INT, TERM, HUP and QUIT that it would swallow, the container is killed instead.
 * A container that is killed so is not started again by itself.
 * @throws NoContainerError; UserError when it does not run, or for a number that is no signal
 */
export async function kill(name: string, signal: NodeJS.Signals | number = 'SIGKILL', context: UndoContext = undoContext()): Promise<void> {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (!Number.isInteger(number) || number < 1 || number > 64) throw new UserError(`there is no signal ${signal}`, { hint: 'kill -l' });
  const entry = findRunning(name, context.roots);
  if (ENDING.has(number)) tryToForbid(entry, context);
  await send(entry, number, context);
}

/** What a person sends to end something. */
const ENDING: ReadonlySet<number> = new Set(
  (['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGABRT'] as const).map((name) => constants.signals[name]),
);

/** @throws UserError when it has ended, or cannot be reached from here */
export async function send(entry: RunningEntry, signal: number, { verbs }: Pick<UndoContext, 'verbs'>): Promise<void> {
  const { init, directory, inode, name } = entry;
  if (isForeign(init)) throw new UserError(`${name} belongs to another pid namespace`, { hint: 'signal it from inside that one' });
  const [sent, forced] = toSend(init.pid, signal);
  const control = await Control.open(directory, inode);
  if (control === undefined) {
    verbs.signal(init.pid, init.startTime, sent);
    goOnToEnd(entry, sent);
    return;
  }
  try {
    await control.request('signal', signalValue(sent, forced));
    goOnToEnd(entry, sent);
  } catch (error) {
    if (!(error instanceof MonitorSilent)) throw error;
    verbs.signal(init.pid, init.startTime, sent);
    goOnToEnd(entry, sent);
  } finally {
    control.close();
  }
}

/** A paused container gets a signal, and on version 1 even its end, only once it goes on. */
function goOnToEnd(entry: RunningEntry, signal: number): void {
  const paths = ownCgroups(entry).map(({ path }) => path);
  if (ENDING.has(signal) && isFrozen(paths) === true) thaw(paths, entry.name);
}
