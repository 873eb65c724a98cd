import { UserError } from './errors.js';
import { keepOptions, readKeptOptions } from './kept-options.js';
import { Launch } from './launch/launch.js';
import type { DetachedContainer, DetachOptions, RunOptions } from './options.js';
import { encodePlan } from './plan/encode.js';
import { hasUserNamespace } from './plan/user.js';
import { type Life, type Prepared, prepare } from './prepare.js';
import { checkDetach } from './restart-policy.js';
import { begin, look, type Session, supervise, Told, undoing, untilIdsAreOurs } from './session.js';
import type { ContainerRecord } from './state/record.js';
import type { Entry } from './state/store.js';
import type { UndoContext } from './undo.js';
import { Watch } from './watch.js';

/**
 * Starts a command in a container of its own and leaves it to its monitor, which keeps a log of what it says. It lives on when this process ends.
 * @returns once the command has been exec'd.
 * @throws as `run`.
 */
export async function runDetached(given: DetachOptions): Promise<DetachedContainer> {
  return startDetached(given, () => prepareDetached(given));
}

/** Decides how {@link runDetached} would start it here, and touches nothing. @throws UserError */
export function prepareDetached(given: DetachOptions): Prepared {
  checkDetach(given);
  return prepare(optionsOf(given), process.env, lifeOf(given, { start: 1 }));
}

function optionsOf({ rm = false, restart: _restart, stdin: _stdin, log: _log, ...rest }: DetachOptions): RunOptions {
  return { ...rest, keep: !rm };
}

/**
 * Starts a stopped container again, as it was started: with its layer, its user ids and its options.
 * @throws UserError when it is not stopped, or was not kept by `runDetached`; else as `run`.
 */
export async function startAgain(entry: Entry, { roots }: Pick<UndoContext, 'roots'>): Promise<DetachedContainer> {
  const { record, given } = checkStartable(entry);
  const layer = record.layer?.slice(roots.layers.length + 1);
  const reuse = {
    start: record.start + 1,
    ...(layer === undefined ? {} : { layer }),
    ...(record.ids === undefined ? {} : { ids: record.ids }),
  };
  const env = { ...process.env, CRT_STATE_DIR: roots.state, CRT_LAYERS_DIR: roots.layers };
  return startDetached(given, () => prepare(optionsOf(given), env, lifeOf(given, reuse)), entry);
}

/** With what it would be started again. @throws UserError when nobody knows */
export function checkStartable({ record, name }: Entry): { readonly record: ContainerRecord; readonly given: DetachOptions } {
  const given = record && readKeptOptions(record);
  if (record !== undefined && given !== undefined) return { record, given };
  throw new UserError(`${name} cannot be started again: crt does not know with which options, since crt run -d did not start it`, {
    hint: `crt rm -f ${name}, and start it with: crt run -d ${name} …`,
  });
}

function lifeOf({ log = {}, stdin = false }: DetachOptions, reuse: Pick<Life, 'start' | 'layer' | 'ids'>): Life {
  return { detached: true, stdin, log: { size: log.maxSize ?? 0, files: log.maxFiles ?? 1 }, ...reuse };
}

async function startDetached(given: DetachOptions, decide: () => Prepared, again?: Entry): Promise<DetachedContainer> {
  const options = optionsOf(given);
  // The time limit is the monitor's; an abort ends the start.
  const watch = new Watch(given.signal ? { signal: given.signal } : {});
  const told = new Told(options);
  return untilIdsAreOurs(async () => {
    const prepared = decide();
    const said = told.tell(options, prepared);
    const plan = encodePlan(prepared.plan, { reportSteps: options.onSteps !== undefined });
    const launch = new Launch({
      helper: prepared.helper,
      plan,
      stdio: ['ignore', 'ignore', 'ignore'],
      sealed: !hasUserNamespace(prepared.config),
    });
    const session = { launch, prepared, plan, options: said, watch, ...(again ? { again } : {}) };
    return supervise(session, async () => handOver(session, given, await look(session)));
  });
}

/** From the claim of the name to where the monitor is alone. */
async function handOver(session: Session, given: DetachOptions, command: readonly string[]): Promise<DetachedContainer> {
  const { launch, prepared } = session;
  const { effects, pid } = await begin(session, command);
  return undoing(session, effects, async () => {
    keepOptions(effects.claim.record, given, prepared);
    // Before it is let go: whoever looks must not take it for an orphan.
    if (launch.monitor !== undefined) effects.claim.writeMonitor(launch.monitor);
    launch.start();
    await launch.detach();
    return { name: prepared.name, pid };
  });
}
