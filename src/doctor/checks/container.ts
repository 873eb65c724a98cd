import { StepError } from '../../errors.js';
import type { Result } from '../../options.js';
import { run } from '../../run.js';
import type { Check, Context, Finding } from '../check.js';

/** Bytes: more than a shell takes. */
const MEMORY = 32 * 1024 ** 2;

export const container: Check = {
  id: 'container',
  group: 'start',
  title: 'a whole container',
  proves:
    'A container is started by the same function as `crt run NAME --memory 32`, in the rootfs that run takes: its shell reads the end of its input and ends. Then all is undone.',
  why: 'The other checks try parts. This one tells whether the whole works, limits, layer and rootfs included.',
  repair: 'The finding names the step that failed and the check that tries it by itself: `crt doctor CHECK`.',
  needsRoot: true,
  run: async (context) => {
    try {
      return [judge(await start(context))];
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      return [refused(error)];
    }
  },
};

function start({ name, rootfs, signal, roots }: Context): Promise<Result> {
  // Asked for here as well: where a disk does not answer, nobody gets them, and run would wait for it.
  void roots;
  return run({ name: name('container'), ...(rootfs === undefined ? {} : { rootfs }), memory: MEMORY, signal });
}

function judge({ exitCode, usage, durationMs, stderr }: Result): Finding {
  if (exitCode !== 0)
    return {
      verdict: 'fail',
      observed: `the shell of the rootfs ended with ${exitCode}${stderr ? `: ${stderr.trim().split('\n')[0]}` : ''}`,
      expected: 'exit code 0',
      cost: 'programs of this rootfs do not run',
      fix: { advice: 'see the check rootfs, or take another --rootfs' },
    };
  if (usage.memoryLimit !== MEMORY)
    return {
      verdict: 'fail',
      observed: `the memory limit of the container was ${usage.memoryLimit ?? 'none'}`,
      expected: `${MEMORY} bytes`,
      cost: 'a container can take all memory of this machine',
      fix: { advice: 'see the checks of the group cgroup' },
    };
  return {
    verdict: 'pass',
    observed: `a container started and ended in ${Math.round(durationMs)} ms: limited to ${MEMORY / 1024 ** 2} MiB`,
  };
}

function refused({ message, hint, check }: StepError): Finding {
  const advice = [
    ...(hint === undefined ? [] : [hint]),
    ...(check === undefined || check === 'container' ? [] : [`see the check ${check}`]),
  ];
  return {
    verdict: 'fail',
    observed: message,
    expected: 'a container that starts and ends',
    cost: 'no container can be started',
    ...(advice.length > 0 ? { fix: { advice: advice.join('; ') } } : {}),
  };
}
