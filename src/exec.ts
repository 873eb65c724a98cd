import { constants } from 'node:os';
import { BugError, UserError } from './errors.js';
import { stepError } from './failure.js';
import { Launch } from './launch/launch.js';
import { openStreams } from './open-streams.js';
import type { DetachedExecOptions, ExecOptions, ExecResult, RunningContainer } from './options.js';
import { encodePlan } from './plan/encode.js';
import { hasUserNamespace } from './plan/user.js';
import { type PreparedExec, prepareExec } from './prepare-exec.js';
import { type CommandOutcome, toCommandOutcome, withOutput } from './result.js';
import { supervise } from './session.js';
import { decodeEnded } from './state/ended.js';
import { waitUntil } from './state/pause.js';
import type { Streams } from './streams.js';
import { Watch } from './watch.js';

/**
 * Runs a further command in a running container and waits for its end: in all of its namespaces and cgroups, and confined exactly as
 * its PID 1 was. When it ends, or the caller does, nothing of it is left but what it has started and left in the container.
 * @throws UserError for bad options, or a container that cannot be entered; StepError when a step failed; both before the command ran.
 */
export async function exec(name: string, options: ExecOptions): Promise<ExecResult> {
  const watch = new Watch(options, 'the command');
  const prepared = prepareExec(name, options);
  const plan = encodePlan(prepared.plan);
  const streams = await openStreams(prepared.options, watch);
  try {
    const sealed = !hasUserNamespace(prepared.config);
    const launch = new Launch({ helper: prepared.helper, plan, stdio: streams.stdio, sealed });
    streams.listen(launch);
    return await supervise({ launch, watch }, () => live({ launch, prepared, streams, watch }));
  } finally {
    streams.close();
  }
}

interface Session {
  readonly launch: Launch;
  readonly prepared: PreparedExec;
  readonly streams: Streams;
  readonly watch: Watch;
}

/**
 * The same, and leaves the command to itself once it runs: without input, and what it says goes nowhere. It ends with the container.
 * @throws as `exec`
 */
export async function execDetached(name: string, options: DetachedExecOptions): Promise<void> {
  const { signal, ...rest } = options;
  // Its time limit would be kept by this process.
  const watch = new Watch(signal ? { signal } : {}, 'the command');
  const prepared = prepareExec(name, rest);
  const sealed = !hasUserNamespace(prepared.config);
  const launch = new Launch({ helper: prepared.helper, plan: encodePlan(prepared.plan), stdio: ['ignore', 'ignore', 'ignore'], sealed });
  await supervise({ launch, watch }, async () => {
    await start({ launch, prepared });
    launch.start();
    await launch.detach({ mayEnd: true });
  });
}

/** From the start of the command to its end. */
async function live(session: Session): Promise<ExecResult> {
  const { launch, streams, watch } = session;
  await start(session);
  const outcome = await accompany(session);
  await launch.closed();
  return withOutput(outcome, streams.finish(), watch.elapsed());
}

/** Up to the moment in which the command has been exec'd. */
async function start({ launch, prepared }: Pick<Session, 'launch' | 'prepared'>): Promise<void> {
  const event = await launch.next();
  if (event.kind === 'failed') throw failure(prepared, event);
  if (event.kind !== 'started') throw new BugError(`the helper said ${event.kind} during the start`);
  prepared.noted();
}

/** Milliseconds that a container may take to end once its pid namespace takes nobody in any more. */
const ENDING = 1000;

/** A container that ends makes any step fail, in any way: that is then the reason. */
function failure({ name, plan, hasEnded }: PreparedExec, event: Parameters<typeof stepError>[1]): UserError {
  const error = stepError(plan, event);
  // Of a pid namespace init goes last: what is inside is killed before, and clone(2) fails (pid_namespaces(7)). It gives up its own
  // namespaces and its root a moment before it counts as dead: they can be opened no more.
  const { ENOMEM, ENOENT, ESRCH } = constants.errno;
  const mayBeEnding =
    error.errno === 0 ||
    (error.op === 'clone' && error.errno === ENOMEM) ||
    (/^(target|enter)$/.test(error.op) && [ENOENT, ESRCH].includes(error.errno));
  return hasEnded() || (mayBeEnding && waitUntil(hasEnded, ENDING))
    ? new UserError(`${name} ended before the command could run`, { hint: 'crt ps -a', cause: error })
    : error;
}

/** While the command runs: input to it, signals to it, and its end. */
async function accompany({ launch, prepared, streams, watch }: Session): Promise<CommandOutcome> {
  const { name, options } = prepared;
  launch.start();
  streams.feed(launch);
  options.onStart?.(new Command(name, launch));
  let event = await launch.next();
  // Of keys that make a signal: it is for PID 1 alone to see to it that they have an effect.
  while (event.kind === 'typed') event = await launch.next();
  if (event.kind !== 'exited') throw new BugError(`the helper said ${event.kind} where the command was to end`);
  const { timedOut, canceled } = watch;
  return toCommandOutcome({ name, command: options.command, ended: decodeEnded(event.text), timedOut, canceled });
}

/** A command that runs. None of its signals is swallowed: it is not PID 1. */
class Command implements RunningContainer {
  readonly name: string;
  readonly pid: number;
  readonly #launch: Launch;

  constructor(name: string, launch: Launch) {
    if (launch.pid === undefined) throw new BugError('the helper did not say who the command is');
    this.name = name;
    this.pid = launch.pid;
    this.#launch = launch;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#launch.signal(constants.signals[signal]);
  }
}
