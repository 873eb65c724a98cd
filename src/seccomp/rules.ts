import type { Seccomp, SeccompArg, SeccompRule } from '../spec/types.js';
import { multiplexed } from './multiplexed.js';
import { leniency, type Verdict, verdictOf } from './verdict.js';

/** The lowest half of an argument and the highest, each without sign. */
export type Halves = readonly [high: number, low: number];

/** One comparison of one argument. `equal` is under a mask; `greater` and `least` are whole; `not` turns the answer around. */
export interface Condition {
  readonly index: number;
  readonly kind: 'equal' | 'greater' | 'least';
  readonly not: boolean;
  readonly mask: Halves;
  readonly value: Halves;
}

export interface Clause {
  /** All must hold. */
  readonly conditions: readonly Condition[];
  readonly verdict: Verdict;
}

/** What becomes of one call: the first clause that holds, else `otherwise`. */
export interface Decision {
  readonly clauses: readonly Clause[];
  readonly otherwise: Verdict;
}

/** What a profile says of the calls of one architecture, by number. A call that is not in it gets the default action. */
export function decisionsFor(profile: Seccomp, numbers: ReadonlyMap<string, number>): Map<number, Decision> {
  const fallback = defaultVerdict(profile);
  const clauses = new Map<number, Clause[]>();
  const add = (number: number, clause: Clause): void => {
    const others = clauses.get(number);
    if (others === undefined) clauses.set(number, [clause]);
    else others.push(clause);
  };
  for (const rule of profile.syscalls ?? []) {
    const verdict = verdictOf(rule.action, rule.errnoRet);
    // As runc and crun do: a rule for what happens anyway is none, and does not stand against others.
    if (verdict === fallback) continue;
    const parts = conditionsOf(rule);
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number !== undefined) for (const conditions of parts) add(number, { conditions, verdict });
      for (const [on, clause] of multiplexed(name, numbers, { parts, verdict, fallback })) add(on, clause);
    }
  }
  return new Map([...clauses].map(([number, list]) => [number, decide(list, fallback)]));
}

export function defaultVerdict(profile: Seccomp): Verdict {
  return verdictOf(profile.defaultAction, profile.defaultErrnoRet);
}

/**
 * A rule without conditions, the first of them, beats every other, as in libseccomp, where it replaces them. Of those with
 * conditions the strictest that holds counts: there libseccomp goes by the order of its tree, which is no rule to rely on.
 */
function decide(clauses: readonly Clause[], fallback: Verdict): Decision {
  const plain = clauses.find(({ conditions }) => conditions.length === 0);
  if (plain !== undefined) return { clauses: [], otherwise: plain.verdict };
  const sorted = [...clauses].sort((a, b) => leniency(a.verdict) - leniency(b.verdict));
  return { clauses: sorted, otherwise: fallback };
}

/** As runc and crun do: where two comparisons are of the same argument, each comparison becomes a rule of its own. */
function conditionsOf(rule: SeccompRule): Condition[][] {
  const args = rule.args ?? [];
  const isRepeated = new Set(args.map(({ index }) => index)).size < args.length;
  const rules = isRepeated ? args.map((arg) => [arg]) : [args];
  return rules.map((list) => list.filter((arg) => !isAlwaysTrue(arg)).map(toCondition));
}

function isAlwaysTrue({ op, value }: SeccompArg): boolean {
  return op === 'SCMP_CMP_MASKED_EQ' && BigInt(value) === 0n;
}

const ALL: Halves = [0xffffffff, 0xffffffff];

function toCondition({ index, op, value, valueTwo }: SeccompArg): Condition {
  const right = halves(value);
  switch (op) {
    case 'SCMP_CMP_EQ':
      return { index, kind: 'equal', not: false, mask: ALL, value: right };
    case 'SCMP_CMP_NE':
      return { index, kind: 'equal', not: true, mask: ALL, value: right };
    case 'SCMP_CMP_GT':
      return { index, kind: 'greater', not: false, mask: ALL, value: right };
    case 'SCMP_CMP_LE':
      return { index, kind: 'greater', not: true, mask: ALL, value: right };
    case 'SCMP_CMP_GE':
      return { index, kind: 'least', not: false, mask: ALL, value: right };
    case 'SCMP_CMP_LT':
      return { index, kind: 'least', not: true, mask: ALL, value: right };
    case 'SCMP_CMP_MASKED_EQ': {
      const [high, low] = halves(valueTwo ?? 0);
      // Bits outside the mask are no part of the question, as in libseccomp.
      return { index, kind: 'equal', not: false, mask: right, value: [(high & right[0]) >>> 0, (low & right[1]) >>> 0] };
    }
  }
}

/** Exact for numbers and bigints up to 2^64−1. */
function halves(value: number | bigint): Halves {
  if (typeof value === 'number') return [Math.floor(value / 2 ** 32), value >>> 0];
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}
