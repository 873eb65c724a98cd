import { UserError } from '../errors.js';
import type { HostPath, Step } from '../plan/step.js';
import type { Resources } from '../spec/types.js';
import type { ContainerCgroup } from './container.js';
import { type CgroupCounters, countersV1 } from './counters.js';
import type { CgroupDirectory, CgroupStats, MemoryLimits } from './driver.js';
import { checkResources, type LimitWrite, limitsV2 } from './limits.js';

/** A machine without a cgroup mount: a container without limits starts, one with limits is refused. */
export class NoCgroup implements ContainerCgroup {
  readonly paths: readonly HostPath[] = [];
  readonly limits: readonly LimitWrite[] = [];
  readonly #resources: Resources;

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  check(): void {
    checkResources(this.#resources);
    const [first] = limitsV2(this.#resources);
    if (!first) return;
    throw new UserError(`no cgroup file system is mounted, so the ${first.controller} of a container cannot be limited`, {
      hint: 'crt doctor --fix-script says how they are mounted here; or give --pids-limit -1 and no other limit',
      check: 'cgroup-mounts',
    });
  }

  create(): readonly CgroupDirectory[] {
    return [];
  }

  open(): { readonly steps: readonly Step[]; readonly cloneInto: undefined } {
    return { steps: [], cloneInto: undefined };
  }

  join(): readonly Step[] {
    return [];
  }

  mounts(): readonly Step[] {
    return [];
  }

  seal(): readonly Step[] {
    return [];
  }

  stats(): CgroupStats {
    return { memoryUsage: undefined, memoryPeak: undefined, memoryLimit: undefined, oomKills: undefined, pids: undefined };
  }

  counters(): CgroupCounters {
    return countersV1(() => undefined);
  }

  memory(): MemoryLimits {
    return { limit: undefined, swap: undefined };
  }

  update(): () => void {
    this.check();
    return () => {};
  }

  pids(): readonly number[] {
    return [];
  }
}
