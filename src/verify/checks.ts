import * as limits from './checks/limits.js';
import * as outside from './checks/outside.js';
import * as paths from './checks/paths.js';
import * as processes from './checks/processes.js';
import * as rights from './checks/rights.js';
import * as root from './checks/root.js';
import type { Evidence } from './evidence.js';
import { type Finding, fail, type Group, type Seen } from './finding.js';

/** Pure. At least one finding, but for what does not apply. */
type Check = (evidence: Evidence) => readonly Seen[];

/** All checks, in the order in which they are shown. The names are stable: `--json` has them. */
export const CHECKS: readonly (readonly [group: Group, name: string, check: Check])[] = [
  ['processes', 'namespaces', processes.namespaces],
  ['processes', 'pid-1', processes.pidOne],
  ['processes', 'procfs', processes.procfs],
  ['processes', 'hostname', processes.hostname],
  ['processes', 'all-inside', processes.sameNamespaces],
  ['root', 'root', root.root],
  ['root', 'mounts', root.mountTable],
  ['root', 'host-files', root.hostFiles],
  ['limits', 'memory', limits.memory],
  ['limits', 'pids', limits.processCount],
  ['limits', 'cpu', limits.processors],
  ['limits', 'membership', limits.membership],
  ['rights', 'user-mapping', rights.userMapping],
  ['rights', 'capabilities', rights.capabilities],
  ['rights', 'no-new-privs', rights.noNewPrivileges],
  ['rights', 'seccomp', rights.seccomp],
  ['rights', 'rlimits', rights.resourceLimits],
  ['rights', 'oom-score', rights.oomScore],
  ['rights', 'security-module', rights.securityModule],
  ['paths', 'masked', paths.masked],
  ['paths', 'read-only', paths.readOnly],
  ['outside', 'descriptors', outside.descriptors],
  ['outside', 'dev', outside.deviceNodes],
  ['outside', 'device-filter', limits.devices],
];

/** Those that judge by the mount table. */
const BY_MOUNTS: ReadonlySet<string> = new Set(['root', 'mounts', 'host-files', 'procfs', 'masked', 'read-only', 'descriptors', 'dev']);

/** What all checks say of this evidence. */
export function judge(evidence: Evidence): readonly Finding[] {
  return CHECKS.flatMap(([group, check, look]) => {
    const hidden = evidence.changedRoot !== undefined && BY_MOUNTS.has(check);
    const seen = hidden
      ? [fail(`cannot be told: its processes have changed their root to ${evidence.changedRoot}`, 'one that sees all mounts')]
      : look(evidence);
    return seen.map((one): Finding => ({ group, check, expected: null, words: [], ...one }));
  });
}
