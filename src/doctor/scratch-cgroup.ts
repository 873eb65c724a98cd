import type { ContainerCgroup } from '../cgroup/container.js';
import { destroyCgroup } from '../cgroup/destroy.js';
import type { CgroupFacts } from '../host/facts.js';
import { helperVerbs } from '../launch/verbs.js';
import type { Resources } from '../spec/types.js';

/** Controllers of limits. */
export const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuset'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** The cgroups as if they had this controller alone: what fails there is about it. Undefined when it is not there. */
export function aloneIn(facts: CgroupFacts, controller: Controller): CgroupFacts | undefined {
  if (facts.mode === 'v2' && facts.unified !== undefined) {
    if (!facts.unified.controllers.includes(controller)) return undefined;
    return { ...facts, unified: { ...facts.unified, controllers: [controller] } };
  }
  const hierarchies = facts.hierarchies.filter(({ controllers }) => controllers.includes(controller));
  return hierarchies.length === 0 ? undefined : { ...facts, hierarchies };
}

/** Makes the cgroup as `run` does, and takes it away again. @throws UserError */
export async function withCgroup<T>(cgroup: ContainerCgroup, work: () => T | Promise<T>): Promise<T> {
  cgroup.check();
  const made = cgroup.create();
  try {
    return await work();
  } finally {
    destroyCgroup(made, (procs) => helperVerbs().kill(procs));
  }
}

/** Limits that any machine can keep. Bytes, counts, microseconds. */
export const LIMITS = {
  memory: { memory: { limit: 64 * 1024 ** 2, swap: 64 * 1024 ** 2 } },
  pids: { pids: { limit: 100 } },
  cpu: { cpu: { quota: 50_000, period: 100_000 } },
} as const satisfies Record<string, Resources>;
