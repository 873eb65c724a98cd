import type { DeviceFilter } from './rules.js';

/**
 * The filter of cgroup version 2: a program that the kernel runs whenever a process of the cgroup opens or makes a device node. It
 * answers 1 to allow (Documentation/admin-guide/cgroup-v2.rst, "Device controller").
 *
 * eBPF over struct bpf_cgroup_dev_ctx: what is asked for and the type in one word at 0, major at 4, minor at 8.
 */

/** Registers. The context is in r1 at the start, the answer in r0 at the end. */
const ANSWER = 0;
const CONTEXT = 1;
const TYPE = 2;
/** The bits that were asked for and that no rule has spoken of yet. */
const PENDING = 3;
const MAJOR = 4;
const MINOR = 5;

/** Opcodes (Documentation/bpf/standardization/instruction-set.rst): 32-bit arithmetic, and jumps that compare 32 bits (Linux 5.1). */
const LOAD_WORD = 0x61;
const MOVE_NUMBER = 0xb4;
const MOVE = 0xbc;
const AND_NUMBER = 0x54;
const SHIFT_RIGHT = 0x74;
const JUMP = 0x05;
const JUMP_UNEQUAL = 0x56;
const JUMP_SET = 0x46;
const EXIT = 0x95;

/** BPF_DEVCG_DEV_ of linux/bpf.h. */
const TYPES = { b: 1, c: 2 } as const;
const EVERYTHING = 7;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  /** Instructions to pass over, or bytes into what is loaded. */
  readonly offset?: number;
  readonly value?: number;
}

/** The program as bpf(2) takes it, 8 bytes an instruction. From the last rule to the first, as the last one decides. */
export function deviceProgram({ allow, rules }: DeviceFilter): Uint8Array {
  const program: Instruction[] = [
    { code: LOAD_WORD, to: TYPE, from: CONTEXT, offset: 0 },
    { code: MOVE, to: PENDING, from: TYPE },
    { code: SHIFT_RIGHT, to: PENDING, value: 16 },
    { code: AND_NUMBER, to: TYPE, value: 0xffff },
    { code: LOAD_WORD, to: MAJOR, from: CONTEXT, offset: 4 },
    { code: LOAD_WORD, to: MINOR, from: CONTEXT, offset: 8 },
    ...[...rules].reverse().flatMap(compileRule),
    ...answer(allow),
  ];
  return encode(program);
}

function compileRule({ allow, type, major, minor, access }: DeviceFilter['rules'][number]): Instruction[] {
  const verdict = [...decide(access, allow), ...answer(allow)];
  const wanted = [
    [TYPE, TYPES[type]],
    [MAJOR, major],
    [MINOR, minor],
  ] as const;
  const tests = wanted.flatMap(([to, value]) => (value === undefined ? [] : [{ code: JUMP_UNEQUAL, to, value }]));
  return [...tests.map((test, index) => ({ ...test, offset: tests.length - 1 - index + verdict.length })), ...verdict];
}

/** Passes over the answer, unless the rule decides the matter. */
function decide(access: number, allow: boolean): Instruction[] {
  if (access === EVERYTHING) return [];
  if (allow) {
    return [
      { code: AND_NUMBER, to: PENDING, value: ~access },
      { code: JUMP_UNEQUAL, to: PENDING, value: 0, offset: 2 },
    ];
  }
  return [
    { code: JUMP_SET, to: PENDING, value: access, offset: 1 },
    { code: JUMP, offset: 2 },
  ];
}

function answer(allow: boolean): Instruction[] {
  return [{ code: MOVE_NUMBER, to: ANSWER, value: allow ? 1 : 0 }, { code: EXIT }];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach(({ code, to = 0, from = 0, offset = 0, value = 0 }, index) => {
    bytes.writeUInt8(code, 8 * index);
    bytes.writeUInt8(to | (from << 4), 8 * index + 1);
    bytes.writeInt16LE(offset, 8 * index + 2);
    bytes.writeInt32LE(value, 8 * index + 4);
  });
  return bytes;
}
