import { JUMP_AT_LEAST, JUMP_EQUAL, JUMP_GREATER, JUMP_SET, type Place, type Program } from './bpf.js';
import type { Condition, Decision } from './rules.js';

/** Writes a decision: the first clause that holds, else the rest. */
export function writeDecision(program: Program, { clauses, otherwise }: Decision): Place {
  let next = program.end(otherwise);
  for (const { conditions, verdict } of clauses.toReversed()) {
    let held = program.end(verdict);
    for (const condition of conditions.toReversed()) held = writeCondition(program, condition, held, next);
    next = held;
  }
  return next;
}

/** struct seccomp_data: the arguments begin at 16, 64 bits each, the low half first. */
function wordOf(index: number, half: 'high' | 'low'): number {
  return 16 + 8 * index + (half === 'high' ? 4 : 0);
}

/** 64 bits are compared as two words, the high one first (BPF has 32 bits). */
function writeCondition(program: Program, condition: Condition, held: Place, failed: Place): Place {
  const [yes, no] = condition.not ? [failed, held] : [held, failed];
  return condition.kind === 'equal' ? writeEqual(program, condition, yes, no) : writeOrder(program, condition, yes, no);
}

function writeEqual(program: Program, { index, mask, value }: Condition, yes: Place, no: Place): Place {
  const low = writeEqualWord(program, { word: wordOf(index, 'low'), mask: mask[1], value: value[1] }, yes, no);
  return writeEqualWord(program, { word: wordOf(index, 'high'), mask: mask[0], value: value[0] }, low, no);
}

function writeEqualWord(
  program: Program,
  { word, mask, value }: { word: number; mask: number; value: number },
  yes: Place,
  no: Place,
): Place {
  if (mask === 0) return yes;
  if (mask === 0xffffffff) return program.load(word, program.test(JUMP_EQUAL, value, yes, no, word));
  // "None of these bits", and "this one bit", are one instruction, and the word stays loaded.
  if (value === 0) return program.load(word, program.test(JUMP_SET, mask, no, yes, word));
  if (value === mask && (mask & (mask - 1)) === 0) return program.load(word, program.test(JUMP_SET, mask, yes, no, word));
  return program.load(word, program.and(mask, program.test(JUMP_EQUAL, value, yes, no)));
}

function writeOrder(program: Program, { index, kind, value }: Condition, yes: Place, no: Place): Place {
  const [high, low] = [wordOf(index, 'high'), wordOf(index, 'low')];
  const byLow = program.load(low, program.test(kind === 'greater' ? JUMP_GREATER : JUMP_AT_LEAST, value[1], yes, no, low));
  const ifEqual = program.test(JUMP_EQUAL, value[0], byLow, no, high);
  return program.load(high, program.test(JUMP_GREATER, value[0], yes, ifEqual, high));
}
