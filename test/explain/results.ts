import type { StepResult } from '../../src/options.js';
import type { Plan } from '../../src/plan/step.js';

/** Plausible durations, the same in every run. The last steps have not run yet, as when the plan is shown at `ready`. */
export function sampleResults(plan: Plan): StepResult[] {
  const ready = plan.steps.findLastIndex((one) => one.op === 'report');
  return plan.steps.slice(0, ready).map((one, index) => ({ index, errno: 0, micros: one.op === 'clone' ? 1234 : ((index * 37) % 97) + 1 }));
}
