import { openCgroup } from '../../cgroup/open.js';
import type { Check, Context, Finding } from '../check.js';
import { eachOf, elsewhere } from '../finding.js';
import { aloneIn, LIMITS, withCgroup } from '../scratch-cgroup.js';

type Limit = keyof typeof LIMITS;

export const cgroupLimits: Check = {
  id: 'cgroup-limits',
  group: 'cgroup',
  title: 'limits are kept',
  proves:
    'In a cgroup of its own the driver that run uses sets 64 MiB of memory, 100 processes and half a processor, one at a time, and reads each back.',
  why: 'A kernel may take a limit and keep another one, or none. A limit that is not in force is worse than one that is refused.',
  repair: 'A limit is bounded by the cgroups above: raise theirs. Else use a kernel that has the file which the finding names.',
  needsRoot: true,
  run: (context) => {
    if (context.facts.cgroup.mode === 'none') return [elsewhere('cgroup-mounts')];
    return eachOf(Object.keys(LIMITS) as Limit[], 'cgroup-limits', (limit) => tryOne(limit, context));
  },
};

async function tryOne(limit: Limit, { facts, name }: Context): Promise<Finding> {
  const alone = aloneIn(facts.cgroup, limit);
  if (alone === undefined) return elsewhere('cgroup-controllers');
  const cgroup = openCgroup(alone, name(limit), LIMITS[limit]);
  // Creating reads back what it sets.
  return withCgroup(cgroup, () => ({
    verdict: 'pass',
    observed: `limits are kept: ${cgroup.limits.map(({ file, value }) => `${file} = ${value}`).join(', ')}`,
  }));
}
