import { describeErrno } from '../../failure.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import type { Check, Context, Finding } from '../check.js';

const KINDS = ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup'] as const;
/** Files of /proc/sys/user that limit them. */
const LIMITS = { mount: 'mnt', pid: 'pid', network: 'net', uts: 'uts', ipc: 'ipc', cgroup: 'cgroup' } as const;

export const namespaces: Check = {
  id: 'namespaces',
  group: 'kernel',
  title: 'each kind of namespace',
  proves: 'A process is born in a new namespace of each kind, one at a time: mount, pid, network, uts, ipc, cgroup.',
  why: 'A namespace is a private copy of something global. Without one of them a container shares it with the host.',
  repair: 'Raise the limit in /proc/sys/user that the finding names, or use a kernel that has the namespace.',
  needsRoot: true,
  run: async (context) => (await Promise.all(KINDS.map((kind) => tryOne(kind, context)))).flat(),
};

async function tryOne(kind: (typeof KINDS)[number], { probe }: Context): Promise<Finding[]> {
  const result = await probe({ namespaces: CLONE_FLAGS[kind] });
  if (result.ok) return [{ verdict: 'pass', observed: `${kind} namespace` }];
  const { words, code } = describeErrno(result.errno);
  const limit = `user.max_${LIMITS[kind]}_namespaces`;
  return [
    {
      verdict: 'fail',
      observed: `no ${kind} namespace can be made: ${words} (${code})`,
      expected: 'one more namespace',
      cost: 'no container can be started',
      fix:
        code === 'ENOSPC'
          ? { commands: [`sysctl -w ${limit}=10000`] }
          : { advice: 'run crt as root of the host, on a kernel with all namespaces' },
    },
  ];
}
