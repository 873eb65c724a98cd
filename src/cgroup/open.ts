import { BugError } from '../errors.js';
import type { CgroupFacts } from '../host/facts.js';
import type { Resources } from '../spec/types.js';
import type { ContainerCgroup } from './container.js';
import { NoCgroup } from './none.js';
import { CgroupV1 } from './v1.js';
import { CgroupV2 } from './v2.js';

/**
 * The cgroup driver for this machine. Makes nothing: ask `check`, then `create`.
 * @param name a container's name, checked before: it becomes a directory below the cgroup mounts.
 */
export function openCgroup(facts: CgroupFacts, name: string, resources: Resources): ContainerCgroup {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw new BugError(`an unchecked name reached the cgroups: ${JSON.stringify(name)}`);
  if (facts.mode === 'none') return new NoCgroup(resources);
  if (facts.mode !== 'v2') return new CgroupV1(facts.hierarchies, name, resources);
  if (!facts.unified) throw new BugError('cgroup mode v2 without a version 2 mount');
  return new CgroupV2(facts.unified, name, resources);
}
