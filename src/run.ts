import { isatty } from 'node:tty';
import { Container } from './container.js';
import { Effects } from './effects.js';
import { BugError } from './errors.js';
import { stepError } from './failure.js';
import { IdsTaken } from './ids.js';
import { judgeRootfs } from './judge.js';
import { Launch } from './launch/launch.js';
import { parseProbe } from './launch/probe.js';
import { openTerminal } from './launch/terminal.js';
import type { Result, RunOptions } from './options.js';
import { encodePlan } from './plan/encode.js';
import { isOp } from './plan/step.js';
import { type Prepared, prepare } from './prepare.js';
import { exitRecord, type Outcome, readEnding, toOutcome, toResult } from './result.js';
import { callerTerminal, madeTerminal, plainStreams, type Streams } from './streams.js';
import { Watch } from './watch.js';

/**
 * Runs a command in a container of its own and waits for its end. This is the whole story: decide, look, claim, make, start,
 * wait, undo. Whatever happens on the way, nothing is left on the host.
 * @throws UserError for bad input or a host that cannot; StepError when a step of the start failed; both before the command ran.
 */
export async function run(options: RunOptions): Promise<Result> {
  const watch = new Watch(options);
  const told: Told = { plan: false, notices: new Set() };
  for (;;) {
    try {
      return await attempt(options, watch, told);
    } catch (error) {
      // Another start took the same range of user ids between our choice and our claim: nothing has run, so choose again.
      if (!(error instanceof IdsTaken)) throw error;
    }
  }
}

/** What the caller has heard: a further attempt does not say it again. */
interface Told {
  plan: boolean;
  readonly notices: Set<string>;
}

async function attempt(given: RunOptions, watch: Watch, told: Told): Promise<Result> {
  const prepared = prepare(given);
  const onNotice = (text: string): void => {
    if (!told.notices.has(text)) given.onNotice?.(text);
    told.notices.add(text);
  };
  const options = { ...given, onNotice };
  for (const notice of prepared.notices) onNotice(notice);
  if (!told.plan) options.onPlan?.(prepared.plan, prepared.config);
  told.plan = true;
  const plan = encodePlan(prepared.plan, { reportSteps: options.onSteps !== undefined });
  const streams = await openStreams(options, watch);
  try {
    const launch = new Launch({ helper: prepared.helper, plan, stdio: streams.stdio });
    return await supervise({ launch, prepared, plan, options, streams, watch });
  } finally {
    streams.close();
  }
}

/** What the chapters of one run hand on. */
interface Session {
  readonly launch: Launch;
  readonly prepared: Prepared;
  /** As the helper got it. */
  readonly plan: Buffer;
  readonly options: RunOptions;
  readonly streams: Streams;
  readonly watch: Watch;
}

/** A running helper, to its end. */
async function supervise(session: Session): Promise<Result> {
  const { launch, streams, watch } = session;
  streams.listen(launch);
  watch.guard(launch);
  try {
    const command = await look(session);
    return await live(session, command);
  } catch (error) {
    launch.abandon();
    throw watch.givenUp ?? error;
  } finally {
    watch.stop();
    await launch.closed();
  }
}

async function openStreams(options: RunOptions, watch: Watch): Promise<Streams> {
  if (!options.tty) return plainStreams(options, watch.silence);
  if (options.input === 'inherit' && options.stdout === 'inherit' && isatty(0) && isatty(1)) return callerTerminal();
  const size = options.tty === true ? { rows: 24, columns: 80 } : options.tty;
  return madeTerminal(await openTerminal(size), options, watch.silence);
}

/**
 * The helper has opened the rootfs and waits: the last moment before anything on the host is touched.
 * @returns the command, or the shell that was found in its place.
 */
async function look({ launch, prepared, options }: Session): Promise<readonly string[]> {
  const { plan, rootfs, facts, config } = prepared;
  const event = await launch.next();
  if (event.kind === 'failed') throw stepError(plan, event);
  if (event.kind !== 'report') throw new BugError(`the helper said ${event.kind} where it was to report`);
  const report = parseProbe(event.text);
  const probed = plan.steps.some((step) => isOp(step, 'probe') && step.operands.candidates.length > 0);
  const notices = judgeRootfs(report, { rootfs, command: config.process.args, probed, facts });
  for (const notice of notices) options.onNotice?.(notice);
  return config.process.args.length > 0 ? config.process.args : [report.command?.path ?? '/bin/sh'];
}

/** From the claim of the name to the end of the container; undoes in any case. */
async function live(session: Session, command: readonly string[]): Promise<Result> {
  const { launch, prepared, options, streams, watch } = session;
  const effects = new Effects(prepared, command, options);
  let outcome: Outcome;
  try {
    effects.makeLayer();
    launch.proceed();
    // Beside the helper, which puts the root together.
    effects.makeCgroups();
    launch.proceed();
    effects.claim.writeConfig(prepared.config);
    effects.claim.writePlan(session.plan);
    await start(session);
    outcome = await accompany(session, command, effects);
    if (options.keep) effects.claim.writeExit(exitRecord(outcome));
  } catch (error) {
    launch.abandon();
    await launch.closed();
    undoAfterFailure(effects, options);
    throw error;
  }
  effects.undo();
  // The last of the output is still on its way while the host is cleaned up.
  await launch.closed();
  return toResult(outcome, streams.finish(), watch.elapsed());
}

/** What the caller is to hear of is the error that came first. */
function undoAfterFailure(effects: Effects, { onNotice }: RunOptions): void {
  try {
    effects.undo();
  } catch (error) {
    onNotice?.(error instanceof Error ? error.message : String(error));
  }
}

/** Up to the moment in which the command has been exec'd. */
async function start({ launch, prepared, options }: Session): Promise<void> {
  for (;;) {
    const event = await launch.next();
    if (event.kind === 'failed') throw stepError(prepared.plan, event);
    if (event.kind === 'started') return;
    if (event.kind !== 'report') throw new BugError(`the helper said ${event.kind} during the start`);
    await options.onSteps?.(launch.steps, { pid: needPid(launch) });
    launch.proceed();
  }
}

/** While the command runs: input to it, signals to it, and its end. */
async function accompany(session: Session, command: readonly string[], effects: Effects): Promise<Outcome> {
  const { launch, prepared, options, streams, watch } = session;
  const container = new Container(prepared.name, needPid(launch), launch);
  effects.claim.writePid(container.pid);
  launch.start();
  streams.feed(launch);
  options.onStart?.(container);
  let event = await launch.next();
  for (; event.kind === 'typed'; event = await launch.next()) container.typed(event.signal);
  if (event.kind !== 'exited') throw new BugError(`the helper said ${event.kind} where the container was to end`);
  return toOutcome({
    ...readEnding(prepared.cgroup, prepared.name, watch.startedMonotonic),
    name: prepared.name,
    command,
    status: event.status,
    times: event.text,
    reaper: options.init ?? false,
    forced: container.forced,
    timedOut: watch.timedOut,
    canceled: watch.canceled,
  });
}

function needPid(launch: Launch): number {
  if (launch.pid === undefined) throw new BugError('the helper did not say who init is');
  return launch.pid;
}
