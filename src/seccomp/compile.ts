import { UserError } from '../errors.js';
import { SECCOMP_FLAGS } from '../spec/seccomp-flags.js';
import type { Seccomp } from '../spec/types.js';
import { type Abi, abisOf, X32, X32_BIT } from './architectures.js';
import { JUMP_AT_LEAST, JUMP_EQUAL, type Place, Program } from './bpf.js';
import { writeDecision } from './decision.js';
import { always, type Decision, decisionsFor, defaultVerdict } from './rules.js';
import { syscallNumbers } from './syscalls.js';
import { ENOSYS_VERDICT, isDeadly, type Verdict } from './verdict.js';

/** Changes whenever the same profile may compile to other bytes. */
export const COMPILER_VERSION = 1;

export interface SeccompTarget {
  /** process.arch: `x64`, `arm64`. */
  readonly arch: string;
  /**
   * Calls that are newer than the newest that the profile names answer ENOSYS instead of the default errno, so that C
   * libraries fall back to older calls; default true. Only where the default action is SCMP_ACT_ERRNO.
   */
  readonly newCallsAreMissing?: boolean;
}

/** From this number on, pidfd_send_signal(2) of Linux 5.1, a call has the same number everywhere, and numbers tell age. */
const FIRST_COMMON_NUMBER = 424;
/** What seccomp sees where a tracer has skipped the call. */
const SKIPPED_CALL = 0xffffffff;

/** struct seccomp_data of seccomp(2). */
const NUMBER = 0;
const ARCHITECTURE = 4;

/** The calls from `start` up to the next one's. */
interface Range {
  readonly start: number;
  readonly decision: Decision;
}

/**
 * A profile as the kernel takes it: classic BPF, 8 bytes an instruction (seccomp(2), struct sock_filter).
 *
 * Decides as the OCI runtimes do by libseccomp. Differences, all of them refusals: calls of an architecture that is not
 * listed answer ENOSYS where libseccomp kills (a default action that kills still does), and see {@link SeccompTarget}.
 * @throws UserError for a processor whose numbers are not known, and for more than 4096 instructions
 */
export function compileSeccomp(profile: Seccomp, target: SeccompTarget): Uint8Array {
  const abis = abisOf(target.arch);
  if (abis === undefined) throw new UserError(`crt does not know the system calls of ${target.arch}`, { hint: 'it does on x64 and arm64' });
  const [native] = abis;
  const listed = abis.filter((abi) => abi === native || profile.architectures?.includes(abi.oci));
  const foreign = foreignVerdict(profile);
  const program = new Program();
  let place = program.end(foreign);
  // The native one last: it stands first in the program.
  for (const abi of listed.filter(({ audit }, at) => listed.findIndex((other) => other.audit === audit) === at).toReversed()) {
    const ranges = rangesOf(profile, abi, listed, target);
    const search = program.load(NUMBER, writeSearch(program, ranges));
    place = program.test(JUMP_EQUAL, abi.audit, search, place, ARCHITECTURE);
  }
  return program.encode(program.load(ARCHITECTURE, place));
}

/** Whether some call is put to whoever holds the listener (seccomp_unotify(2)): it must then be made with one. */
export function hasNotify(profile: Seccomp): boolean {
  return (profile.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY');
}

/** The profile's flags as seccomp(2) takes them: WAIT_KILLABLE_RECV, which is about answers, only where somebody is asked. */
export function filterFlags(profile: Seccomp): number {
  const flags = (profile.flags ?? []).filter((flag) => flag !== 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' || hasNotify(profile));
  return flags.reduce((bits, flag) => bits | SECCOMP_FLAGS[flag], 0);
}

/** Of an architecture that the profile does not list. Never a way through, not even where the default is. */
function foreignVerdict(profile: Seccomp): Verdict {
  const fallback = defaultVerdict(profile);
  return isDeadly(fallback) ? fallback : ENOSYS_VERDICT;
}

/** All numbers from 0 to 2^32−1 of an architecture, neighbours of one decision as one range. */
function rangesOf(profile: Seccomp, abi: Abi, listed: readonly Abi[], target: SeccompTarget): Range[] {
  const fallback = always(defaultVerdict(profile));
  const decided = new Map<number, Decision>();
  const starts = new Map<number, Decision>([[0, fallback]]);
  const addTable = (table: Abi, base: number): void => {
    const numbers = syscallNumbers(table.calls);
    for (const [number, decision] of decisionsFor(profile, numbers)) decided.set(number, decision);
    starts.set(base, fallback);
    const missing = firstMissing(profile, target, numbers, base);
    if (missing !== undefined) starts.set(missing, always(ENOSYS_VERDICT));
  };
  addTable(abi, 0);
  if (abi.audit === X32.audit) {
    if (listed.includes(X32)) addTable(X32, X32_BIT);
    else starts.set(X32_BIT, always(foreignVerdict(profile)));
  }
  starts.set(SKIPPED_CALL, fallback);
  return joinRanges(starts, decided);
}

/** The first number that is newer than every call that the profile names. */
function firstMissing(profile: Seccomp, target: SeccompTarget, numbers: ReadonlyMap<string, number>, base: number): number | undefined {
  if (target.newCallsAreMissing === false || profile.defaultAction !== 'SCMP_ACT_ERRNO') return undefined;
  // The other numbers of x32, from 512 on, tell nothing of age.
  let newest = base + FIRST_COMMON_NUMBER - 1;
  for (const { names } of profile.syscalls ?? []) {
    for (const name of names) {
      const number = numbers.get(name) ?? 0;
      if (number > newest && number < base + 512) newest = number;
    }
  }
  return newest + 1;
}

function joinRanges(starts: ReadonlyMap<number, Decision>, decided: ReadonlyMap<number, Decision>): Range[] {
  const numbers = Float64Array.from([...decided.keys(), ...[...starts.keys()].filter((start) => !decided.has(start))]).sort();
  const ranges: Range[] = [];
  let around = starts.get(0) as Decision;
  let last: Decision | undefined;
  const add = (start: number, decision: Decision): void => {
    if (last === undefined || !isSame(last, decision)) ranges.push({ start, decision });
    last = decision;
  };
  let next = 0;
  for (const number of numbers) {
    if (number > next) add(next, around);
    around = starts.get(number) ?? around;
    add(number, decided.get(number) ?? around);
    next = number + 1;
  }
  return ranges;
}

function isSame(a: Decision, b: Decision): boolean {
  return a === b || (a.clauses.length === 0 && b.clauses.length === 0 && a.otherwise === b.otherwise);
}

/** A balanced search: a common call costs as many comparisons as the number of ranges has binary digits. */
function writeSearch(program: Program, ranges: readonly Range[]): Place {
  const middle = ranges.length >> 1;
  const [first] = ranges;
  if (first === undefined || middle === 0)
    return first === undefined ? program.end(ENOSYS_VERDICT) : writeDecision(program, first.decision);
  const above = writeSearch(program, ranges.slice(middle));
  const below = writeSearch(program, ranges.slice(0, middle));
  return program.test(JUMP_AT_LEAST, (ranges[middle] as Range).start, above, below);
}
