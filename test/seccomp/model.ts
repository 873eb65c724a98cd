import { leniency, verdictOf } from '../../src/seccomp/verdict.js';
import type { Seccomp, SeccompArg } from '../../src/spec/types.js';

function holds({ index, op, value, valueTwo = 0 }: SeccompArg, args: readonly bigint[]): boolean {
  const [left, right] = [args[index] ?? 0n, BigInt(value)];
  switch (op) {
    case 'SCMP_CMP_NE':
      return left !== right;
    case 'SCMP_CMP_LT':
      return left < right;
    case 'SCMP_CMP_LE':
      return left <= right;
    case 'SCMP_CMP_EQ':
      return left === right;
    case 'SCMP_CMP_GE':
      return left >= right;
    case 'SCMP_CMP_GT':
      return left > right;
    case 'SCMP_CMP_MASKED_EQ':
      return (left & right) === (BigInt(valueTwo) & right);
  }
}

const isTautology = ({ op, value }: SeccompArg): boolean => op === 'SCMP_CMP_MASKED_EQ' && BigInt(value) === 0n;

/**
 * What a profile says of one call by name, by plain evaluation of its rules. More than one answer where rules with arguments
 * contradict each other, the strictest first.
 */
export function verdictsOf(profile: Seccomp, name: string, args: readonly bigint[]): number[] {
  const fallback = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const matching: number[] = [];
  for (const rule of profile.syscalls ?? []) {
    const verdict = verdictOf(rule.action, rule.errnoRet);
    if (!rule.names.includes(name) || verdict === fallback) continue;
    const given = rule.args ?? [];
    const isSplit = new Set(given.map(({ index }) => index)).size < given.length;
    for (const part of isSplit ? given.map((arg) => [arg]) : [given]) {
      if (part.every(isTautology)) return [plainVerdict(profile, name)];
      if (part.every((arg) => holds(arg, args))) matching.push(verdict);
    }
  }
  if (matching.length === 0) return [fallback];
  return [...new Set(matching)].sort((a, b) => leniency(a) - leniency(b));
}

/** The first rule of a name that has no arguments to compare. */
function plainVerdict(profile: Seccomp, name: string): number {
  const fallback = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const verdict = verdictOf(action, errnoRet);
    const isSplit = new Set(args.map(({ index }) => index)).size < args.length;
    const isPlain = isSplit ? args.some(isTautology) : args.every(isTautology);
    if (names.includes(name) && verdict !== fallback && isPlain) return verdict;
  }
  return fallback;
}
