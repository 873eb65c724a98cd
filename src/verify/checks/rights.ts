import { parseLimit } from '../../host/process-files.js';
import { capabilityMask, capabilityNames } from '../../spec/capabilities.js';
import * as defaults from '../../spec/defaults.js';
import type { Capabilities, IdMapping } from '../../spec/types.js';
import { type Evidence, nameProcesses, type ProcessEvidence, wordsOf } from '../evidence.js';
import { fail, note, pass, type Seen, weaker } from '../finding.js';
import { count } from './processes.js';

/** Root inside is nobody outside: the maps are those of the config, and nobody else has these ids. */
export function userMapping(evidence: Evidence): readonly Seen[] {
  const { config, uidMap, gidMap, record, takenIds } = evidence;
  const { uidMappings = [], gidMappings = [], namespaces } = config.linux;
  const told = uidMap
    .map(({ inside, outside, count: many }) => `${inside} to ${inside + many - 1} inside are ${outside} and up outside`)
    .join(', ');
  const expected = 'ids of its own, that nobody on the host has';
  if (!namespaces.some(({ type }) => type === 'user'))
    return [weaker('root inside is root of the host', expected, wordsOf(evidence, 'userns=host', 'privileged'))];
  for (const [kind, seen, asked] of [
    ['uid', uidMap, uidMappings],
    ['gid', gidMap, gidMappings],
  ] as const) {
    const wanted = (asked as readonly IdMapping[]).map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join(', ');
    const got = seen.map(({ inside, outside, count: many }) => `${inside} ${outside} ${many}`).join(', ');
    if (got !== wanted) return [fail(`${kind}_map is ${got || 'empty'}`, wanted)];
  }
  if (uidMap.some(({ outside }) => outside !== record.ids))
    return [fail(told, `the ids from ${record.ids ?? 'nowhere'}, which the record says`)];
  const taken = takenIds.filter(({ first, count: many }) =>
    uidMap.some(({ outside, count: own }) => first < outside + own && outside < first + many),
  );
  if (taken.length > 0) return [fail(`${told}: ${taken[0]?.owner} has some of them`, expected)];
  return [pass(`${told}, nobody else has them`)];
}

const SETS = { CapInh: 'inheritable', CapPrm: 'permitted', CapEff: 'effective', CapBnd: 'bounding', CapAmb: 'ambient' } as const;

/** No set of any process has more than the config gives; less is the process's own doing. */
export function capabilities(evidence: Evidence): readonly Seen[] {
  const { config, init } = evidence;
  const own = evidence.processes.filter(({ namespaces }) => namespaces.user === init.namespaces.user);
  const asked = config.process.capabilities ?? {};
  const beyond = own.flatMap((process) =>
    Object.entries(SETS).flatMap(([line, set]) => {
      const more = maskOf(process, line) & ~allowed(asked, set, config.process.noNewPrivileges ?? false);
      return more === 0n
        ? []
        : [fail(`${line} of ${nameProcesses([process])} has ${namesOf(more)}`, `no more than the ${set} set of the config`)];
    }),
  );
  if (beyond.length > 0) return beyond.slice(0, 5);
  const kept = capabilityMask(defaults.defaultCapabilities().bounding);
  const added = capabilityNames(capabilityMask([...new Set(Object.values(asked).flat() as string[])]) & ~kept);
  const isEmpty = maskOf(init, 'CapInh') === 0n && maskOf(init, 'CapAmb') === 0n;
  const held = `${capabilityNames(maskOf(init, 'CapBnd')).length} of ${capabilityNames(~0n).length} at most${isEmpty ? ', inheritable and ambient empty' : ''}`;
  if (added.length === 0) return [pass(`${held}, ${count(own.length)}`)];
  const words = wordsOf(evidence, 'privileged', 'cap-add=ALL', ...added.map((name) => `cap-add=${name}`));
  const covers = words.some((word) => word === 'privileged' || word === 'cap-add=ALL') || words.length === added.length;
  return [weaker(`beside the defaults: ${added.join(', ')}`, 'the default set', covers ? words : [])];
}

/** Without no_new_privs a setuid file gives all that the bounding set has. */
function allowed(asked: Capabilities, set: (typeof SETS)[keyof typeof SETS], isConfined: boolean): bigint {
  const gains = !isConfined && (set === 'permitted' || set === 'effective');
  return capabilityMask([...(asked[set] ?? []), ...(gains ? (asked.bounding ?? []) : [])]);
}

function maskOf({ status }: ProcessEvidence, line: string): bigint {
  const digits = status.get(line);
  // Not to be read is not to be trusted: then it has all.
  return digits !== undefined && /^[0-9a-f]+$/.test(digits) ? BigInt(`0x${digits}`) : ~0n & ((1n << 41n) - 1n);
}

function namesOf(mask: bigint): string {
  return capabilityNames(mask).join(', ') || `0x${mask.toString(16)}`;
}

export function noNewPrivileges(evidence: Evidence): readonly Seen[] {
  const { config, processes } = evidence;
  const without = processes.filter(({ status }) => status.get('NoNewPrivs') !== '1');
  if (without.length === 0) return [pass(`set for ${count(processes.length)}`)];
  const observed = `not set: ${nameProcesses(without)}`;
  if (config.process.noNewPrivileges ?? false) return [fail(observed, 'set, as the config has it')];
  return [weaker(observed, 'set: setuid files give nothing', wordsOf(evidence, 'no-new-privileges=false', 'privileged'))];
}

/** Mode 2 is a filter; a process can add to those that it has, and lose none. */
export function seccomp(evidence: Evidence): readonly Seen[] {
  const { processes, plannedFilters } = evidence;
  const words = wordsOf(evidence, /^seccomp=/, 'privileged');
  if (plannedFilters === 0) return [weaker('no filter of system calls', 'mode 2', words)];
  const least = plannedFilters ?? 1;
  const bare = processes.filter(({ status }) => status.get('Seccomp') !== '2' || Number(status.get('Seccomp_filters') ?? least) < least);
  const seen = `mode 2, ${evidence.init.status.get('Seccomp_filters') ?? 'some'} filters`;
  if (bare.length > 0) {
    const told = bare.map(({ status }) => `mode ${status.get('Seccomp')} with ${status.get('Seccomp_filters') ?? 'some'}`)[0];
    const observed = `${nameProcesses(bare)}: ${told} filters`;
    // Without a legible plan only the record can say that there was to be none.
    return [plannedFilters === undefined ? weaker(observed, 'mode 2', words) : fail(observed, `mode 2 with ${least} filters`)];
  }
  if (words.length > 0) return [weaker(`${seen}, not crt's own list`, "crt's own list", words)];
  return [pass(`${seen}, ${count(processes.length)}`)];
}

/** No core dumps, and the other limits of the config. */
const LIMITS: Readonly<Record<string, string>> = {
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
};
const UNLIMITED = 2n ** 64n - 1n;

export function resourceLimits(evidence: Evidence): readonly Seen[] {
  const asked = evidence.config.process.rlimits ?? [];
  const wrong = asked.flatMap(({ type, hard }) => {
    const name = LIMITS[type];
    const got = name === undefined ? undefined : parseLimit(evidence.limits, name);
    if (got === undefined) return [fail(`${type} cannot be read`, `${hard} at most`)];
    // The soft limit is the process's own to move below it.
    return (got.hard ?? UNLIMITED) <= BigInt(hard) ? [] : [fail(`${type} is ${got.hard ?? 'unlimited'}`, `${hard} at most`)];
  });
  if (wrong.length > 0) return wrong;
  const core = parseLimit(evidence.limits, 'Max core file size');
  if (core?.hard !== 0n) return [weaker(`core dumps of ${core?.hard ?? 'any'} bytes`, 'none', wordsOf(evidence, 'ulimit=core'))];
  return [pass(`no core dumps${asked.length > 1 ? `, ${asked.length - 1} more as asked` : ''}`)];
}

/** Raising it is anybody's to do, lowering it nobody's. */
export function oomScore({ config, processes }: Evidence): readonly Seen[] {
  const least = config.process.oomScoreAdj ?? 0;
  const protectedOnes = processes.filter(({ oomScoreAdj }) => !(oomScoreAdj >= least));
  if (protectedOnes.length === 0) return [pass(`${Math.min(...processes.map(({ oomScoreAdj }) => oomScoreAdj))}, not below ${least}`)];
  return [fail(`${protectedOnes[0]?.oomScoreAdj} for ${nameProcesses(protectedOnes)}`, `${least} or more`)];
}

/** What a module of the kernel adds; crt has no profile of its own. */
export function securityModule({ config, label, facts }: Evidence): readonly Seen[] {
  const { apparmorProfile, selinuxLabel } = config.process;
  const asked = apparmorProfile ?? selinuxLabel;
  if (asked !== undefined) {
    const holds = label === asked || label.startsWith(`${asked} (`);
    return [holds ? pass(label) : fail(`the label is ${label || 'none'}`, asked)];
  }
  const module =
    facts.lsm.apparmor === undefined && !facts.lsm.selinux
      ? 'this machine has neither AppArmor nor SELinux'
      : `the label is ${label || 'none'}`;
  return [note(`no profile was asked for, and crt has none of its own; ${module}`)];
}
