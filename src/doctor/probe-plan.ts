import { BugError } from '../errors.js';
import { helperPath } from '../launch/helper-path.js';
import { Launch } from '../launch/launch.js';
import { encodePlan } from '../plan/encode.js';
import { MS_SLAVE } from '../plan/numbers.js';
import { type Plan, step } from '../plan/step.js';
import type { Probed, ProbeSteps } from './check.js';

const note = { chapter: 'prepare', why: 'a probe of crt doctor' } as const;

/** A whole plan around the steps. It ends as `crt-init --ops`: a program that is surely there, and does nothing. */
export function probePlan({ stage = [], namespaces = 0, init = [] }: ProbeSteps, helper: string): Plan {
  return {
    steps: [
      step('stage', 'monitor', {}, note),
      step('propagation', 'stage', { mode: MS_SLAVE }, note),
      ...stage,
      step('clone', 'stage', { pidfd: 'init', namespaces }, note),
      step('parent-death', 'init', { signal: 9 }, note),
      ...init,
      step('exec', 'init', { candidates: [helper], argv: ['crt-init', '--ops'], env: [], reaper: 0 }, note),
    ],
  };
}

/** Has the helper perform the steps. Nothing that they make in namespaces outlives it. @throws UserError when it cannot be started */
export async function runProbe(steps: ProbeSteps, signal: AbortSignal): Promise<Probed> {
  const helper = helperPath();
  const plan = probePlan(steps, helper);
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
      return { ok: false, op: failed.op, errno: event.errno, text: event.text };
    }
  } finally {
    signal.removeEventListener('abort', giveUp);
    launch.abandon();
    await launch.closed();
  }
}
