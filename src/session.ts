import { Effects } from './effects.js';
import { BugError } from './errors.js';
import { stepError } from './failure.js';
import { IdsTaken } from './ids.js';
import { judgeRootfs } from './judge.js';
import type { Launch } from './launch/launch.js';
import { parseProbe } from './launch/probe.js';
import type { RunOptions } from './options.js';
import { isOp } from './plan/step.js';
import type { Prepared } from './prepare.js';
import { journal } from './state/journal.js';
import type { Entry } from './state/store.js';
import type { Watch } from './watch.js';

/** The chapters that a start in the foreground and a detached one have in common. */

/** What they hand on. */
export interface Session {
  readonly launch: Launch;
  readonly prepared: Prepared;
  /** As the helper got it. */
  readonly plan: Buffer;
  readonly options: RunOptions;
  readonly watch: Watch;
  /** The stopped container that is started again. */
  readonly again?: Entry;
}

/** A container whose command runs. */
export interface Started {
  readonly effects: Effects;
  readonly pid: number;
}

/** What the caller has heard: a further attempt does not say it again. */
export class Told {
  #plan = false;
  readonly #notices = new Set<string>();
  readonly #options: RunOptions;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** Says what there is to say before the start; answers the options with which to go on. */
  tell(options: RunOptions, { plan, config, notices }: Prepared): RunOptions {
    for (const notice of notices) this.#notice(notice);
    if (!this.#plan) options.onPlan?.(plan, config);
    this.#plan = true;
    return { ...options, onNotice: (text) => this.#notice(text) };
  }

  #notice(text: string): void {
    if (!this.#notices.has(text)) this.#options.onNotice?.(text);
    this.#notices.add(text);
  }
}

/** Tries again while another start takes the same range of user ids between our choice and our claim: nothing has run then. */
export async function untilIdsAreOurs<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof IdsTaken)) throw error;
    }
  }
}

/** A running helper, to its end or to where it is left alone. */
export async function supervise<T>({ launch, watch }: Pick<Session, 'launch' | 'watch'>, work: () => Promise<T>): Promise<T> {
  watch.guard(launch);
  try {
    return await work();
  } catch (error) {
    launch.abandon();
    throw watch.givenUp ?? error;
  } finally {
    watch.stop();
    await launch.closed();
  }
}

/**
 * The helper has opened the rootfs and waits: the last moment before anything on the host is touched.
 * @returns the command, or the shell that was found in its place.
 */
export async function look({ launch, prepared, options }: Session): Promise<readonly string[]> {
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

/** From the claim of the name to the moment in which the command has been exec'd. What was made is undone when that fails. */
export async function begin(session: Session, command: readonly string[]): Promise<Started> {
  const { launch, prepared, plan, options, again } = session;
  const effects = new Effects(prepared, command, options, again);
  return undoing(session, effects, async () => {
    effects.makeLayer();
    launch.proceed();
    // Beside the helper, which puts the root together.
    effects.makeCgroups();
    launch.proceed();
    effects.claim.writeConfig(prepared.config);
    effects.claim.writePlan(plan);
    await start(session);
    const pid = needPid(launch);
    effects.claim.writePid(pid);
    journal(prepared.roots, { event: 'start', name: prepared.name, id: effects.claim.record.id });
    return { effects, pid };
  });
}

/** Undoes what was made when the work fails. */
export async function undoing<T>({ launch, options }: Session, effects: Effects, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    launch.abandon();
    await launch.closed();
    undoAfterFailure(effects, options);
    throw error;
  }
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

function needPid(launch: Launch): number {
  if (launch.pid === undefined) throw new BugError('the helper did not say who init is');
  return launch.pid;
}
