import { readFileSync } from 'node:fs';
import { capabilityNumber } from '../../spec/capabilities.js';
import type { Check, Finding } from '../check.js';

const NOTHING = 'no container can be started';
const NO_USERNS = 'no container with a user namespace, the default, can be started';

/** What crt itself does needs these, found by taking away one at a time; what it gives to containers is the check `capabilities`. */
const NEEDED: readonly (readonly [name: string, verdict: 'fail' | 'warn', cost: string])[] = [
  ['CAP_SYS_ADMIN', 'fail', NOTHING],
  ['CAP_MKNOD', 'fail', NOTHING],
  ['CAP_DAC_OVERRIDE', 'fail', NOTHING],
  ['CAP_SETGID', 'fail', NOTHING],
  ['CAP_SETUID', 'fail', NO_USERNS],
  ['CAP_SYS_PTRACE', 'fail', NO_USERNS],
  ['CAP_CHOWN', 'fail', NO_USERNS],
  ['CAP_FOWNER', 'fail', NO_USERNS],
  ['CAP_SETPCAP', 'warn', '--userns host does not work'],
  ['CAP_NET_ADMIN', 'warn', '--userns host does not work'],
];

export const privilege: Check = {
  id: 'privilege',
  group: 'environment',
  title: 'root, and what root may do here',
  proves: 'Who runs this, and which capabilities are in force (CapEff of /proc/self/status), beside those that a start uses.',
  why: 'Namespaces, mounts and control groups are made with rights that root has, unless a container, systemd or setpriv(1) took them away.',
  repair:
    'Run crt by sudo. If root lacks capabilities: as root of the host, not in a container; `CapabilityBoundingSet=` of a systemd unit; docker --privileged.',
  needsRoot: false,
  run: ({ isRoot, facts }) => (isRoot ? judgeRights(readFileSync('/proc/self/status', 'utf8')) : [notRoot(facts.uid)]),
};

function notRoot(uid: number): Finding {
  return {
    verdict: 'fail',
    observed: `user ${uid}, not root`,
    expected: 'root',
    cost: '`crt run` refuses, and most checks cannot look',
    fix: { advice: 'sudo crt doctor' },
  };
}

/** @param status the text of /proc/self/status */
export function judgeRights(status: string): readonly Finding[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const missing = NEEDED.filter(([name]) => !((effective >> BigInt(capabilityNumber(name) ?? 63)) & 1n));
  if (missing.length === 0) return [{ verdict: 'pass', observed: 'root, with the capabilities that a start uses' }];
  return missing.map(([name, verdict, cost]) => ({
    verdict,
    observed: `root without ${name}`,
    expected: `${name} in force`,
    cost,
    fix: { advice: 'run crt as root of the host; capsh --print shows what this process may do' },
  }));
}
