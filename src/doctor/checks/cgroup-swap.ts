import { readNumber, readText } from '../../cgroup/files.js';
import { openCgroup } from '../../cgroup/open.js';
import type { Check, Context, Finding } from '../check.js';
import { elsewhere } from '../finding.js';
import { aloneIn, LIMITS, withCgroup } from '../scratch-cgroup.js';

export const cgroupSwap: Check = {
  id: 'cgroup-swap',
  group: 'cgroup',
  title: 'swap is counted',
  proves:
    'In a cgroup of its own a memory limit is set with no swap beside it, as every --memory does, and what the kernel keeps is read back. /proc/swaps says whether there is swap at all.',
  why: 'A container at its memory limit is to be told so at once. Where swap is not counted it goes on into swap, and the whole machine gets slow.',
  repair: 'Boot with `swapaccount=1` on the command line of the kernel, or go without swap (`swapoff -a`).',
  needsRoot: true,
  run: async (context) => {
    if (context.facts.cgroup.mode === 'none') return [elsewhere('cgroup-mounts')];
    const isPinned = await pinSwap(context);
    return [isPinned === undefined ? elsewhere('cgroup-controllers') : judgeSwap({ isPinned, hasSwap: hasSwap() })];
  },
};

/** True when a limit of memory holds for swap too; undefined without a memory controller. */
async function pinSwap({ facts, name }: Context): Promise<boolean | undefined> {
  const alone = aloneIn(facts.cgroup, 'memory');
  if (alone === undefined) return undefined;
  const cgroup = openCgroup(alone, name('swap'), LIMITS.memory);
  const [path] = cgroup.paths;
  return withCgroup(cgroup, () => {
    if (facts.cgroup.mode === 'v2') return readNumber(`${path}/memory.swap.max`) === 0;
    return readNumber(`${path}/memory.memsw.limit_in_bytes`) === LIMITS.memory.memory.limit;
  });
}

/** Lines after the heading of /proc/swaps (swapon(8)). */
function hasSwap(): boolean {
  return (readText('/proc/swaps') ?? '').split('\n').length > 1;
}

export function judgeSwap({ isPinned, hasSwap }: { isPinned: boolean; hasSwap: boolean }): Finding {
  if (isPinned) return { verdict: 'pass', observed: `swap is counted: ${hasSwap ? 'it can be limited to none' : 'there is none here'}` };
  if (!hasSwap) return { verdict: 'info', observed: 'swap is not counted, and there is none here: --memory-swap is refused' };
  return {
    verdict: 'warn',
    observed: 'swap is not counted, and this machine has some',
    expected: 'that a memory limit holds for swap too',
    cost: 'a container at its memory limit goes on into swap; --memory-swap is refused',
    fix: { advice: 'boot with swapaccount=1 on the command line of the kernel, or go without swap: swapoff -a' },
  };
}
