import { step } from '../../plan/step.js';
import type { Check } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { note } from '../probe-plan.js';

export const noNewPrivs: Check = {
  id: 'no-new-privs',
  group: 'isolation',
  title: 'no new privileges',
  proves: 'A process sets no_new_privs (prctl(2), PR_SET_NO_NEW_PRIVS) and executes a program.',
  why: 'Setuid files and file capabilities inside then give nothing, and filters of system calls can be loaded without rights.',
  repair:
    'Every kernel that crt runs on has it: what refuses it is a filter of system calls around crt. Run crt outside of that, or have it allow prctl(2).',
  needsRoot: true,
  run: async (context) => {
    const failed = await context.probe({ init: [step('no-new-privs', 'init', {}, note)] });
    if (failed.ok) return [{ verdict: 'pass', observed: 'setuid gives nothing: no_new_privs is set, and kept by exec' }];
    const elsewhere = toldElsewhere(failed, 'no-new-privs');
    if (elsewhere) return [elsewhere];
    return [
      {
        verdict: 'fail',
        observed: `no_new_privs cannot be set: ${failed.reason}`,
        expected: 'a process that can give up the gain of rights',
        cost: 'no container can be started but with --security-opt no-new-privileges=false',
        fix: { advice: 'something filters prctl(2) around crt: run crt outside of it' },
      },
    ];
  },
};
