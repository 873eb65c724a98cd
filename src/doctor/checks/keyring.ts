import { type Step, step } from '../../plan/step.js';
import { joinUserNamespace, makeUserNamespace } from '../../plan/user.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer, onlyUserNamespace } from '../layouts.js';
import { note } from '../probe-plan.js';

export const keyring: Check = {
  id: 'keyring',
  group: 'isolation',
  title: 'a session keyring of its own',
  proves: 'A process, root of a user namespace as in a container, joins a new session keyring (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING).',
  why: "Keyrings are no part of any namespace: without a new one the container could read and use the keys of the caller's session.",
  repair:
    'Raise kernel.keys.maxkeys when the quota is used up; use a kernel with CONFIG_KEYS; inside another container its seccomp profile must allow keyctl(2).',
  needsRoot: true,
  run: async (context) => {
    const inside = onlyUserNamespace(defaultContainer(context).config);
    const own = await join(context, [makeUserNamespace(inside), ...joinUserNamespace(inside)]);
    // Without a user namespace it is for root of the host, whose quota is another.
    const failed = own.ok || own.op === 'keyring' ? own : await join(context, []);
    if (failed.ok) return [{ verdict: 'pass', observed: 'a keyring of its own' }];
    return [toldElsewhere(failed, 'keyring') ?? tell(failed)];
  },
};

function join({ probe }: Context, stage: readonly Step[]): ReturnType<Context['probe']> {
  return probe({ stage, init: [step('keyring', 'init', { name: 'crt' }, note)] });
}

function tell(failed: ProbeFailure): Finding {
  return {
    verdict: 'fail',
    observed: `no session keyring can be made: ${failed.reason}`,
    expected: 'a keyring that is of nobody else',
    cost: 'no container can be started',
    fix:
      failed.code === 'EDQUOT'
        ? {
            commands: [
              'sysctl -w kernel.keys.maxkeys=2000 kernel.keys.maxbytes=200000 kernel.keys.root_maxkeys=1000000 kernel.keys.root_maxbytes=25000000',
            ],
          }
        : { advice: 'use a kernel with CONFIG_KEYS; inside another container let its seccomp profile allow keyctl(2)' },
  };
}
