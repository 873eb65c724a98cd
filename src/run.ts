import { thawToDie } from './cgroup/freezer.js';
import { limitCounters } from './cgroup/limit-counters.js';
import { Container } from './container.js';
import { BugError } from './errors.js';
import { Launch } from './launch/launch.js';
import { openStreams } from './open-streams.js';
import type { Result, RunOptions } from './options.js';
import { encodePlan } from './plan/encode.js';
import { hasUserNamespace } from './plan/user.js';
import { prepare } from './prepare.js';
import { exitRecord, type Outcome, readEnding, toOutcome, withOutput } from './result.js';
import { begin, look, type Session, type Started, supervise, Told, undoing, untilIdsAreOurs } from './session.js';
import { decodeEnded, type Ended } from './state/ended.js';
import { journal } from './state/journal.js';
import type { Streams } from './streams.js';
import { Watch } from './watch.js';

/**
 * Runs a command in a container of its own and waits for its end. This is the whole story: decide, look, claim, make, start,
 * wait, undo. Whatever happens on the way, nothing is left on the host.
 * @throws UserError for bad input or a host that cannot; StepError when a step of the start failed; both before the command ran.
 */
export async function run(options: RunOptions): Promise<Result> {
  const watch = new Watch(options);
  const told = new Told(options);
  return untilIdsAreOurs(() => attempt(options, watch, told));
}

async function attempt(given: RunOptions, watch: Watch, told: Told): Promise<Result> {
  const prepared = prepare(given);
  const options = told.tell(given, prepared);
  const plan = encodePlan(prepared.plan, { reportSteps: options.onSteps !== undefined });
  const streams = await openStreams(options, watch);
  try {
    const launch = new Launch({
      helper: prepared.helper,
      plan,
      stdio: streams.stdio,
      sealed: !hasUserNamespace(prepared.config),
      onKill: () => prepared.cgroup.paths.forEach(thawToDie),
    });
    streams.listen(launch);
    const session = { launch, prepared, plan, options, watch };
    return await supervise(session, async () => live(session, streams, await look(session)));
  } finally {
    streams.close();
  }
}

/** From the claim of the name to the end of the container; undoes in any case. */
async function live(session: Session, streams: Streams, command: readonly string[]): Promise<Result> {
  const { launch, options, watch } = session;
  const started = await begin(session, command);
  const { effects } = started;
  const outcome = await undoing(session, effects, async () => {
    const [end, ended] = await accompany(session, streams, command, started);
    if (options.keep) effects.claim.writeExit(exitRecord(end, ended));
    return end;
  });
  effects.undo();
  // The last of the output is still on its way while the host is cleaned up.
  await launch.closed();
  return withOutput(outcome, streams.finish(), watch.elapsed());
}

/** While the command runs: input to it, signals to it, and its end. */
async function accompany(
  { launch, prepared, options, watch }: Session,
  streams: Streams,
  command: readonly string[],
  { pid, effects }: Started,
): Promise<[Outcome, Ended]> {
  const container = new Container(prepared.name, pid, launch);
  launch.start();
  streams.feed(launch);
  options.onStart?.(container);
  let event = await launch.next();
  for (; event.kind === 'typed'; event = await launch.next()) container.typed(event.signal);
  if (event.kind !== 'exited') throw new BugError(`the helper said ${event.kind} where the container was to end`);
  await launch.dismiss();
  const ended = decodeEnded(event.text);
  const outcome = toOutcome({
    ...readEnding(prepared.cgroup, prepared.name, watch.startedMonotonic),
    name: prepared.name,
    command,
    ended,
    reaper: options.init ?? false,
    timedOut: watch.timedOut,
    canceled: watch.canceled,
  });
  const { exitCode, signal, reason } = exitRecord(outcome, ended);
  const counters = limitCounters(prepared.cgroup.paths);
  journal(prepared.roots, { event: 'exit', name: prepared.name, id: effects.claim.record.id, exitCode, signal, reason, ...counters });
  return [outcome, ended];
}
