import type { SeccompArg, SeccompRule } from '../spec/types.js';

/**
 * Rules that together let a call pass unless the low 32 bits of an argument are one of `values`. The kernel cuts such an
 * argument to 32 bits, so that SCMP_CMP_NE, which compares 64, could be walked around with any bit above; and a masked
 * "not equal" the specification does not have. So: some bit differs where the values agree, or the bits where they do not
 * agree are none of theirs.
 * @param values few, and alike in all but a few bits: one rule is needed for each way in which those could be set
 */
export function allowAnyBut(names: readonly string[], index: number, values: readonly [number, ...number[]]): SeccompRule[] {
  const [first] = values;
  const differing = values.reduce((bits, value) => bits | (value ^ first), 0) >>> 0;
  const rules = Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0)
    .filter((bit) => (differing & bit) === 0)
    .map((bit) => masked(index, bit, (~first & bit) >>> 0));
  const taken = new Set(values.map((value) => (value & differing) >>> 0));
  for (const combination of subsets(differing)) if (!taken.has(combination)) rules.push(masked(index, differing, combination));
  return rules.map((arg) => ({ names: [...names], action: 'SCMP_ACT_ALLOW', args: [arg] }));
}

function masked(index: number, value: number, valueTwo: number): SeccompArg {
  return { index, value, valueTwo, op: 'SCMP_CMP_MASKED_EQ' };
}

/** Every way to keep some of the bits. */
function subsets(bits: number): number[] {
  const all: number[] = [];
  for (let subset = bits; subset !== 0; subset = ((subset - 1) & bits) >>> 0) all.push(subset);
  return bits === 0 ? [] : [...all, 0];
}
