import { CLONE_FLAGS } from '../../plan/numbers.js';
import { type Step, step } from '../../plan/step.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { allEnded, toldElsewhere } from '../finding.js';
import { reachedLimit } from '../namespace-limit.js';
import { note } from '../probe-plan.js';

const KINDS = ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup'] as const;
type Kind = (typeof KINDS)[number];
/** Files of /proc/sys/user that limit them (namespaces(7)). */
const LIMITS: Readonly<Record<Kind, string>> = { mount: 'mnt', pid: 'pid', network: 'net', uts: 'uts', ipc: 'ipc', cgroup: 'cgroup' };
/** What the first process does in it, as `run` does. */
const FURNITURE: Partial<Readonly<Record<Kind, Step>>> = {
  network: step('loopback', 'init', {}, note),
  uts: step('hostname', 'init', { name: 'crt' }, note),
};

export const namespaces: Check = {
  id: 'namespaces',
  group: 'kernel',
  title: 'each kind of namespace',
  proves:
    'A process is born in new namespaces: mount, pid, network, uts, ipc, cgroup; it sets a hostname and brings loopback up. If that fails, each kind is tried by itself.',
  why: 'A namespace is a private copy of something global. Without one of them a container shares it with the host.',
  repair: 'Raise the limit in /proc/sys/user that the finding names, or use a kernel that has the namespace.',
  needsRoot: true,
  run: async (context) => {
    const together = await tryKinds(KINDS, context);
    if (together.ok) return [{ verdict: 'pass', observed: `all namespaces: ${KINDS.join(', ')}` }];
    const elsewhere = toldElsewhere(together, 'namespaces');
    if (elsewhere) return [elsewhere];
    // The mount namespace comes first of all steps: without it nothing else can be tried.
    if (together.op === 'stage') return [tell('mount', together)];
    const findings = await allEnded(KINDS.map((kind) => tryOne(kind, context)));
    return findings.some(({ verdict }) => verdict === 'fail') ? findings : [tell('mount', together, 'not all kinds can be had at once')];
  },
};

function tryKinds(kinds: readonly Kind[], { probe }: Context): ReturnType<Context['probe']> {
  const flags = kinds.reduce((all, kind) => (all | CLONE_FLAGS[kind]) >>> 0, 0);
  return probe({ namespaces: flags, init: kinds.flatMap((kind) => FURNITURE[kind] ?? []) });
}

async function tryOne(kind: Kind, context: Context): Promise<Finding> {
  const result = await tryKinds([kind], context);
  return result.ok ? { verdict: 'pass', observed: `${kind} namespace` } : tell(kind, result);
}

/** @param observed what cannot be had */
function tell(kind: Kind, failed: ProbeFailure, observed = `no ${kind} namespace can be used`): Finding {
  const limit = failed.code === 'ENOSPC' ? reachedLimit(LIMITS[kind]) : undefined;
  return {
    verdict: 'fail',
    observed: `${observed}: ${failed.reason}${limit?.words ?? ''}`,
    expected: 'one more namespace',
    cost: 'no container can be started',
    fix: limit?.fix ?? { advice: ADVICE[failed.code] ?? 'run crt as root of the host, not inside another container' },
  };
}

const ADVICE: Readonly<Record<string, string>> = { EINVAL: 'boot a kernel that has all namespaces: see ls /proc/self/ns' };
