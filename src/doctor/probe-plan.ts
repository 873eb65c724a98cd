import { BugError } from '../errors.js';
import { describeErrno } from '../failure.js';
import { helperPath } from '../launch/helper-path.js';
import { Launch } from '../launch/launch.js';
import { checkOf } from '../op-checks.js';
import { encodePlan } from '../plan/encode.js';
import { MS_SLAVE } from '../plan/numbers.js';
import { type Plan, type Step, step } from '../plan/step.js';
import type { Probed, ProbeSteps } from './check.js';

/** For steps that a check makes by hand. */
export const note = { chapter: 'prepare', why: 'a probe of crt doctor' } as const;

/** By procfs: no folder on the way can be out of reach, as it may be for root of a user namespace. */
const ITSELF = '/proc/self/exe';

/** A whole plan around the steps. It ends as `crt-init --ops`, which does nothing. */
export function probePlan({ stage = [], namespaces = 0, init = [] }: ProbeSteps): Plan {
  return {
    steps: [
      step('stage', 'monitor', {}, note),
      step('propagation', 'stage', { mode: MS_SLAVE }, note),
      ...stage,
      step('clone', 'stage', { pidfd: 'init', namespaces }, note),
      step('parent-death', 'init', { signal: 9 }, note),
      ...init,
      step('exec', 'init', { candidates: [ITSELF], argv: ['crt-init', '--ops'], env: [], reaper: 0 }, note),
    ],
  };
}

/** Has the helper perform the steps. Nothing that they make in namespaces outlives it. @throws UserError when it cannot be started */
export async function runProbe(steps: ProbeSteps, signal: AbortSignal): Promise<Probed> {
  signal.throwIfAborted();
  const helper = helperPath();
  const plan = probePlan(steps);
  const launch = new Launch({ helper, plan: encodePlan(plan), stdio: ['ignore', 'ignore', 'ignore'] });
  const giveUp = (): void => launch.abandon();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    for (;;) {
      const event = await launch.next();
      if (event.kind === 'started') continue;
      if (event.kind === 'exited') return { ok: true };
      if (event.kind === 'report') {
        steps.onReport?.(event.text, launch.pid);
        launch.proceed();
        continue;
      }
      if (event.kind !== 'failed') throw new BugError(`the helper said ${event.kind} to a probe`);
      const failed = plan.steps[event.index];
      if (failed === undefined) throw new BugError(`the helper failed at step ${event.index} of a probe`);
      return judge(failed, event.errno, event.text);
    }
  } finally {
    signal.removeEventListener('abort', giveUp);
    launch.abandon();
    await launch.closed();
  }
}

function judge(step: Step, errno: number, text: string): Probed {
  const { op } = step;
  const { code, words } = errno === 0 ? { code: '', words: '' } : describeErrno(errno);
  // Nothing that was to be tried: the container's root has no such file, or its user may not run it.
  if (op === 'exec' && (code === 'ENOENT' || code === 'EACCES')) return { ok: true };
  const reason = errno === 0 ? `its process was ${text}` : `${words} (${code})${text ? `: ${text}` : ''}`;
  return { ok: false, step, op, code, text, reason, check: checkOf(step, code) };
}
