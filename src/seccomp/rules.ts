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

/** A call that always ends alike. */
export function always(verdict: Verdict): Decision {
  return { clauses: [], otherwise: verdict };
}

/** What a profile says of the calls of one architecture, by number. A call that is not in it gets the default action. */
export function decisionsFor(profile: Seccomp, numbers: ReadonlyMap<string, number>): Map<number, Decision> {
  const fallback = defaultVerdict(profile);
  const decided = new Map<number, Decision>();
  const selectors = multiplexed(numbers);
  for (const rule of profile.syscalls ?? []) {
    const verdict = verdictOf(rule.action, rule.errnoRet);
    // As runc and crun do: a rule for what happens anyway is none, and does not stand against others.
    if (verdict === fallback) continue;
    const clauses = conditionsOf(rule).map((conditions): Clause => ({ conditions, verdict }));
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number !== undefined) for (const clause of clauses) decided.set(number, joined(decided.get(number), clause, fallback));
      const selector = selectors?.(name);
      if (selector === undefined) continue;
      const hidden = hiddenClause(selector.condition, clauses, fallback);
      if (hidden !== undefined) decided.set(selector.number, joined(decided.get(selector.number), hidden, fallback));
    }
  }
  return decided;
}

export function defaultVerdict(profile: Seccomp): Verdict {
  return verdictOf(profile.defaultAction, profile.defaultErrnoRet);
}

/**
 * A rule without conditions, the first of them, beats every other, as in libseccomp, where it replaces them. Of those with
 * conditions the strictest that holds counts: there libseccomp goes by the order of its tree, which is no rule to rely on.
 */
function joined(there: Decision | undefined, clause: Clause, fallback: Verdict): Decision {
  if (there !== undefined && there.clauses.length === 0) return there;
  if (clause.conditions.length === 0) return always(clause.verdict);
  if (there === undefined) return { clauses: [clause], otherwise: fallback };
  const after = there.clauses.findIndex(({ verdict }) => leniency(verdict) > leniency(clause.verdict));
  const at = after < 0 ? there.clauses.length : after;
  return { clauses: there.clauses.toSpliced(at, 0, clause), otherwise: fallback };
}

/**
 * What a rule means inside socketcall(2) and ipc(2). The arguments of the inner call lie in memory, where no filter sees them: a
 * rule with arguments that lets pass is no rule there, and one that refuses refuses whatever they are.
 */
function hiddenClause(selector: Condition, clauses: readonly Clause[], fallback: Verdict): Clause | undefined {
  const [first] = clauses;
  if (first === undefined) return undefined;
  const isWhole = clauses.some(({ conditions }) => conditions.length === 0);
  if (!isWhole && leniency(first.verdict) > leniency(fallback)) return undefined;
  return { conditions: [selector], verdict: first.verdict };
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
