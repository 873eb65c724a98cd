import { setTimeout } from 'node:timers/promises';
import type { Check, Context, Finding } from '../check.js';
import { toFinding } from '../finding.js';
import { findLeftovers, unjudged } from '../leftovers.js';

/** Milliseconds in which a monitor that has just lost its supervisor clears up by itself. */
const GRACE = 200;
const NOTHING: Finding = { verdict: 'pass', observed: 'nothing is left over' };

export const leftovers: Check = {
  id: 'leftovers',
  group: 'leftovers',
  title: 'what crashed containers left',
  proves:
    'State folders whose supervisor is dead or that are damaged, folders half made or half removed, layers and ranges of user ids without a container, cgroups without one, mounts below the directories of crt, monitors whose supervisor is gone. What is found is looked at a second time, a moment later, and nothing is repaired. Containers of another pid namespace are left alone unless all processes are seen, which only the first shows. On version 1 a cgroup of which neither state nor layer is left cannot be told from one of somebody else.',
  why: 'A container ends with its supervisor, and its monitor undoes what it did to the host. When both are killed something stays: a name that is taken, memory, room on the disk.',
  repair:
    '`crt rm -f NAME` removes a container with all that is left of it; `crt ps` clears away what has no name. The finding shows what to type.',
  needsRoot: true,
  run: async (context) => {
    try {
      const first = findLeftovers(context);
      if (first.length === 0) return [NOTHING, ...foreign(context)];
      await setTimeout(GRACE);
      const before = new Set(first.map(({ key }) => key));
      const left = findLeftovers(context).filter(({ key }) => before.has(key));
      if (left.length === 0) return [NOTHING, ...foreign(context)];
      const found = left.map(
        ({ observed, fix }): Finding => ({
          verdict: 'warn',
          observed,
          cost: 'the names, memory and room that crashed containers still hold',
          fix,
        }),
      );
      return [...found, ...foreign(context)];
    } catch (error) {
      return [toFinding(error, 'leftovers')];
    }
  },
};

function foreign(context: Context): Finding[] {
  const names = unjudged(context);
  if (names.length === 0) return [];
  return [{ verdict: 'info', observed: `of another pid namespace, so it cannot be told from here whether they run: ${names.join(' ')}` }];
}
