import type { Check } from '../check.js';

export const privilege: Check = {
  id: 'privilege',
  group: 'environment',
  title: 'root',
  proves: 'Who runs this. What root may do here is the check `capabilities`.',
  why: 'Namespaces, mounts and control groups are made with rights that root has.',
  repair: 'Run crt by sudo.',
  needsRoot: false,
  run: ({ isRoot, facts, program }) => {
    if (isRoot) return [{ verdict: 'pass', observed: 'root' }];
    return [
      {
        verdict: 'fail',
        observed: `user ${facts.uid}, not root`,
        expected: 'root',
        cost: '`crt run` refuses, and most checks cannot look',
        fix: { advice: `sudo ${program} doctor` },
      },
    ];
  },
};
