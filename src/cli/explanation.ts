import { explainEnd, explainJson, explainPlan, explainShell, type Plan, type Prepared, type RunOptions, UserError } from '../index.js';
import type { FlagValues } from './flag-values.js';
import { writeAll } from './output.js';
import { notice } from './report.js';
import type { RunFlagName } from './run-flags.js';
import { screen } from './screen.js';

export type Form = 'text' | 'json' | 'sh';

/** What `--explain` asks for; undefined = nothing. @throws UserError */
export function explainForm(values: FlagValues<RunFlagName>): Form | undefined {
  const text = values.text('explain');
  if (text === 'json' || text === 'sh') return text;
  if (text === 'text') return 'text';
  const hint = '--explain, --explain=json or --explain=sh';
  if (text !== undefined && !/^(true|false)$/.test(text)) throw new UserError(`--explain=${text} is no form that crt has`, { hint });
  return text === 'true' ? 'text' : undefined;
}

/** Prints the plan on stdout; nothing is made and nothing runs. */
export function printPlan(prepared: Prepared, form: Form): number {
  for (const text of prepared.notices) notice(text);
  if (form === 'sh') writeAll(1, shellScript(prepared));
  else writeAll(1, form === 'json' ? explainJson(prepared.plan) : explainPlan(prepared.plan, screen(1)));
  return 0;
}

function shellScript({ name, plan, config, cgroup, host }: Prepared): string {
  const skeleton = host && { directory: host.directory, entries: host.entries };
  return explainShell(plan, config, { name, limits: cgroup.limits, ...(skeleton ? { skeleton } : {}) });
}

/**
 * Prints each step of a start once they are done and before the command begins: for people on stderr, where crt speaks;
 * as JSON on stdout, for the program that reads it.
 * @returns what {@link run} is to call.
 */
export function narrate(decide: () => Prepared, form: 'text' | 'json'): Pick<RunOptions, 'onPlan' | 'onSteps'> {
  // Decided here once more, for what `run` keeps to itself.
  const prepared = form === 'text' ? decide() : undefined;
  let plan: Plan | undefined;
  return {
    onPlan: (given) => {
      plan = given;
    },
    onSteps: (results, { pid }) => {
      if (plan === undefined) return;
      if (form === 'json') return writeAll(1, explainJson(plan, { results }));
      const page = screen(2);
      writeAll(2, explainPlan(plan, { ...page, results }));
      if (prepared) writeAll(2, `${explainEnd({ ...page, pid, name: prepared.name, cgroupPaths: prepared.cgroup.paths })}\n`);
    },
  };
}
