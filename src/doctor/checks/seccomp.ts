import { chooseFilter } from '../../confinement.js';
import { answerMounts, closeDescriptors, filterCalls } from '../../plan/process.js';
import { step } from '../../plan/step.js';
import { mountListener } from '../../seccomp/mount-listener.js';
import type { Check, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer } from '../layouts.js';
import { note } from '../probe-plan.js';

export const seccomp: Check = {
  id: 'seccomp',
  group: 'isolation',
  title: 'the filter of system calls',
  proves:
    "A process loads crt's own filter, and before it the one by which mount(2) inside asks crt (seccomp_unotify(2)); a program then runs under both.",
  why: 'The filter keeps calls that no ordinary program makes, and bugs behind them, out of reach. The listener lets `mount -t proc proc /proc` succeed without any right to mount.',
  repair:
    'Boot a kernel of the distribution (CONFIG_SECCOMP_FILTER); inside another container, one whose seccomp profile allows seccomp(2).',
  needsRoot: true,
  run: async (context) => {
    const { options, config, layout } = defaultContainer(context, { userns: 'host' });
    const filter = chooseFilter(options, config, context.facts);
    const confined = { ...layout, filter: filter?.program, listener: filter && mountListener(context.facts.arch) };
    const failed = await context.probe({
      init: [
        step('no-new-privs', 'init', {}, note),
        ...answerMounts(config, confined),
        ...closeDescriptors(),
        ...filterCalls(config, confined),
      ],
    });
    if (!failed.ok) return [toldElsewhere(failed, 'seccomp') ?? tell(failed)];
    return [
      {
        verdict: 'pass',
        observed: `system calls are filtered: by ${(filter?.program.length ?? 0) / 8} instructions; mount(2) is answered by crt`,
      },
    ];
  },
};

function tell(failed: ProbeFailure): Finding {
  // seccomp(2): of the filters of a process one can have a listener.
  const isAnswered = failed.op === 'listener' && failed.code === 'EBUSY';
  return {
    verdict: 'fail',
    observed: `${failed.op === 'exec' ? 'no program runs under the filter' : `the step ${failed.op} fails`}: ${failed.reason}`,
    expected: 'filters of system calls that can be loaded',
    cost: 'no container can be started but with --security-opt seccomp=unconfined, which leaves all system calls open',
    fix: {
      advice: isAnswered
        ? 'something outside answers system calls of this process already: run crt outside of that container'
        : 'boot a kernel with CONFIG_SECCOMP_FILTER; inside another container, let its profile allow seccomp(2)',
    },
  };
}
