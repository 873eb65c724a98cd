import { readFileSync } from 'node:fs';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { type Step, step } from '../../plan/step.js';
import { codeOf, reason, toldElsewhere } from '../blame.js';
import type { Check, Context, Finding, Fix, ProbeFailure } from '../check.js';
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
/** Far below the default of any machine, and more than anybody starts. */
const ENOUGH = 10_000;

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
    if (together.ok) return [{ verdict: 'pass', observed: KINDS.join(', ') }];
    // The mount namespace comes first of all steps: without it nothing else can be tried.
    if (together.op === 'stage') return [tell('mount', together, context)];
    const findings = await Promise.all(KINDS.map((kind) => tryOne(kind, context)));
    return findings.some(({ verdict }) => verdict === 'fail') ? findings : [tell('mount', together, context)];
  },
};

function tryKinds(kinds: readonly Kind[], { probe }: Context): ReturnType<Context['probe']> {
  const flags = kinds.reduce((all, kind) => (all | CLONE_FLAGS[kind]) >>> 0, 0);
  return probe({ namespaces: flags, init: kinds.flatMap((kind) => FURNITURE[kind] ?? []) });
}

async function tryOne(kind: Kind, context: Context): Promise<Finding> {
  const result = await tryKinds([kind], context);
  return result.ok ? { verdict: 'pass', observed: `${kind} namespace` } : tell(kind, result, context);
}

function tell(kind: Kind, failed: ProbeFailure, context: Context): Finding {
  const elsewhere = toldElsewhere(failed, 'namespaces', context);
  if (elsewhere) return elsewhere;
  const knob = `user.max_${LIMITS[kind]}_namespaces`;
  const limit = codeOf(failed) === 'ENOSPC' ? readLimit(kind) : undefined;
  return {
    verdict: 'fail',
    observed: `no ${kind} namespace can be used: ${reason(failed)}${limit === undefined ? '' : `; ${knob} is ${limit}`}`,
    expected: 'one more namespace',
    cost: 'no container can be started',
    fix: fixFor(codeOf(failed), knob, limit),
  };
}

function fixFor(code: string, knob: string, limit: number | undefined): Fix {
  if (code === 'ENOSPC' && (limit ?? 0) < ENOUGH) return { commands: [`sysctl -w ${knob}=${ENOUGH}`] };
  if (code === 'ENOSPC') return { advice: `so many are in use (lsns), or ${knob} is lower in a user namespace around this one` };
  if (code === 'EINVAL') return { advice: 'boot a kernel that has all namespaces: see ls /proc/self/ns' };
  return { advice: 'run crt as root of the host, not inside another container' };
}

/** In our own user namespace; those above have limits of their own, which count as well. */
function readLimit(kind: Kind): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/user/max_${LIMITS[kind]}_namespaces`, 'utf8'));
  } catch {
    return undefined;
  }
}
