import { UserError } from '../errors.js';
import { ACTORS, FLAG_BITS, OPS, type OpName, opsHash, type StepFlag } from './ops.js';
import type { Plan, Step } from './step.js';

/** Bytes of the header and of one step record; docs/plan.md draws both. */
export const HEADER_BYTES = 32;
export const STEP_BYTES = 64;
export const MAGIC = 0x50747263;
export const VERSION = 1;
const REPORT_STEPS = 1;
const NONE = 0xffffffff;
const MAX_SLOTS = 32;
/** The helper takes no more; an environment and a filter together stay far below. */
export const MAX_PLAN_BYTES = 4 << 20;

/** One operand's place in the record, parsed from its word in the table (`in?:root` …). */
export interface OperandSpec {
  readonly kind: 'in' | 'out' | 'host' | 'path' | 'str' | 'list' | 'bytes' | 'num';
  readonly name: string;
  readonly optional: boolean;
}

const specs = new Map<OpName, readonly OperandSpec[]>(
  Object.entries(OPS).map(([name, op]) => [name as OpName, op.operands.split(' ').filter(Boolean).map(parseSpec)]),
);
const numbers = new Map((Object.keys(OPS) as OpName[]).map((name, index) => [name, index]));

function parseSpec(word: string): OperandSpec {
  const [kind = '', name = ''] = word.split(':');
  return { kind: kind.replace('?', '') as OperandSpec['kind'], name, optional: kind.endsWith('?') };
}

/** The operands of a verb, in wire order. */
export function operandsOf(op: OpName): readonly OperandSpec[] {
  return specs.get(op) ?? [];
}

/** A text operand's place: a string's length excludes its NUL, a list's includes all of them. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The string table: equal texts are stored once, and so are equal lists. */
class Strings {
  #bytes = Buffer.allocUnsafe(16384);
  readonly #texts = new Map<string, Place>();
  readonly #lists = new Map<string, Place>();
  size = 0;

  add(value: string | readonly string[] | Uint8Array): Place {
    if (typeof value === 'string') return this.#texts.get(value) ?? this.#addText(value);
    if (value instanceof Uint8Array) return this.#append(value.length, (bytes, at) => bytes.set(value, at));
    for (const word of value) refuseNul(word);
    const key = value.map((word) => `${word}\0`).join('');
    const place = this.#lists.get(key) ?? this.#append(Buffer.byteLength(key), (bytes, at) => bytes.write(key, at));
    this.#lists.set(key, place);
    return place;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.size);
  }

  #addText(text: string): Place {
    refuseNul(text);
    const stored = `${text}\0`;
    const { offset, length } = this.#append(Buffer.byteLength(stored), (bytes, at) => bytes.write(stored, at));
    const place = { offset, length: length - 1 };
    this.#texts.set(text, place);
    return place;
  }

  #append(length: number, write: (bytes: Buffer, at: number) => void): Place {
    while (this.size + length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.allocUnsafe(this.#bytes.length)]);
    write(this.#bytes, this.size);
    this.size += length;
    return { offset: this.size - length, length };
  }
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new TypeError(`a text carries a NUL byte: ${JSON.stringify(text)}`);
}

function flagBits(flags: readonly StepFlag[]): number {
  return flags.reduce((bits, flag) => bits | FLAG_BITS[flag], 0);
}

/** Writes the record of a step at this place of the view, which is all zeros there. */
function encodeStep(step: Step, view: DataView, at: number, strings: Strings, slots: Map<string, number>): void {
  let [slot, text, number] = [at + 4, at + 8, at + 40];
  view.setUint16(at, numbers.get(step.op) ?? 0xffff, true);
  view.setUint8(at + 2, ACTORS.indexOf(step.actor));
  view.setUint8(at + 3, flagBits(step.flags));
  // No slot, and no text.
  for (let i = at + 4; i < at + 24; i += 4) view.setUint32(i, NONE, true);
  for (const spec of operandsOf(step.op)) {
    const value = (step.operands as Record<string, unknown>)[spec.name];
    if (value === undefined && !spec.optional && spec.kind !== 'num') throw new TypeError(`${step.op}: ${spec.name} is missing`);
    if (spec.kind === 'num') {
      setNumber(view, number, (value as number | bigint | undefined) ?? 0);
      number += 8;
    } else if (spec.kind === 'in' || spec.kind === 'out') {
      if (value !== undefined) view.setUint8(slot, slotNumber(slots, value as string, spec, step.op));
      slot++;
    } else {
      if (value !== undefined) {
        const { offset, length } = strings.add(value as string | readonly string[] | Uint8Array);
        view.setUint32(text, offset, true);
        view.setUint32(text + 16, length, true);
      }
      text += 4;
    }
  }
}

function setNumber(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'number' && value >>> 0 === value) view.setUint32(at, value, true);
  else view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
}

function slotNumber(slots: Map<string, number>, name: string, spec: OperandSpec, op: OpName): number {
  const known = slots.get(name);
  if (spec.kind === 'in') {
    if (known === undefined) throw new TypeError(`${op}: the slot ${name} is read before it is filled`);
    return known;
  }
  if (known !== undefined || slots.size === MAX_SLOTS) throw new TypeError(`${op}: the slot ${name} is filled twice, or one too many`);
  slots.set(name, slots.size);
  return slots.size - 1;
}

/**
 * A plan as the bytes that the helper loads.
 * @throws TypeError for an operand that is missing, carries a NUL, or reads a slot before it is filled; UserError beyond 4 MiB.
 */
export function encodePlan(plan: Plan, options: { reportSteps?: boolean } = {}): Buffer {
  const strings = new Strings();
  const slots = new Map<string, number>();
  const head = Buffer.alloc(HEADER_BYTES + STEP_BYTES * plan.steps.length);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  plan.steps.forEach((step, index) => {
    encodeStep(step, view, HEADER_BYTES + STEP_BYTES * index, strings, slots);
  });
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(VERSION, 4);
  head.writeBigUInt64LE(opsHash(), 8);
  head.writeUInt32LE(plan.steps.length, 16);
  head.writeUInt32LE(strings.size, 20);
  head.writeUInt32LE(options.reportSteps ? REPORT_STEPS : 0, 24);
  const bytes = Buffer.concat([head, strings.bytes()]);
  if (bytes.length - HEADER_BYTES > MAX_PLAN_BYTES) {
    throw new UserError(`the arguments and the environment take ${bytes.length} bytes; ${MAX_PLAN_BYTES} is the most`, {
      hint: 'pass them in a file',
    });
  }
  return bytes;
}
