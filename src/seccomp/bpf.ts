import { UserError } from '../errors.js';

/** BPF_MAXINSNS of linux/bpf_common.h. */
export const MOST_INSTRUCTIONS = 4096;
export const INSTRUCTION_BYTES = 8;

/** linux/bpf_common.h, the few that a filter needs. */
const LOAD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const RETURN = 0x06;
export const JUMP_EQUAL = 0x15;
export const JUMP_GREATER = 0x25;
export const JUMP_AT_LEAST = 0x35;
export const JUMP_SET = 0x45;

/** Jumps are bytes; two trampolines may still come between a jump and where it was going. */
const FARTHEST = 255 - 2;

/** Where to go on: a place in a program that is written from its end. */
export type Place = number;

/** Four words an instruction: code, the two jumps, value. */
type Instruction = [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * A classic BPF program (seccomp(2)), written backwards: BPF jumps only forwards, so whatever an instruction goes to
 * is there already, and its distance is known.
 */
export class Program {
  /** The last instruction first. */
  readonly #reversed: Instruction[] = [];
  readonly #returns = new Map<number, Place>();

  get length(): number {
    return this.#reversed.length;
  }

  /** Ends with a value for the kernel, SECCOMP_RET_…. */
  end(value: number): Place {
    return this.#returns.get(value) ?? this.#newEnd(value);
  }

  /** Loads the 32-bit word at `offset` of struct seccomp_data. */
  load(offset: number, then: Place): Place {
    this.#comeTo(then);
    return this.#add([LOAD, 0, 0, offset]);
  }

  /** Keeps the bits of `mask` of what is loaded. */
  and(mask: number, then: Place): Place {
    this.#comeTo(then);
    return this.#add([AND, 0, 0, mask]);
  }

  /**
   * Compares what is loaded with `value`, without sign.
   * @param loaded the offset of the loaded word where it is whole: a place that would load it again is entered behind that
   */
  test(code: number, value: number, ifTrue: Place, ifFalse: Place, loaded?: number): Place {
    if (ifTrue === ifFalse) return ifTrue;
    const yes = this.#near(this.#behindLoad(ifTrue, loaded));
    const no = this.#near(this.#behindLoad(ifFalse, loaded));
    const next = this.length - 1;
    return this.#add([code, next - yes, next - no, value]);
  }

  /**
   * As the kernel takes it, `start` first; what stands before `start` is not reached and left out.
   * @throws UserError where it is longer than the kernel takes
   */
  encode(start: Place): Uint8Array {
    const count = start + 1;
    if (count > MOST_INSTRUCTIONS)
      throw new UserError(`the seccomp filter has ${count} instructions, and the kernel takes ${MOST_INSTRUCTIONS}`, {
        hint: 'give it fewer rules with arguments',
      });
    const bytes = new Uint8Array(INSTRUCTION_BYTES * count);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < count; at++) {
      const [code, ifTrue, ifFalse, value] = this.#reversed[start - at] as Instruction;
      // Every architecture with a table here is little-endian.
      view.setUint16(INSTRUCTION_BYTES * at, code, true);
      view.setUint8(INSTRUCTION_BYTES * at + 2, ifTrue);
      view.setUint8(INSTRUCTION_BYTES * at + 3, ifFalse);
      view.setUint32(INSTRUCTION_BYTES * at + 4, value, true);
    }
    return bytes;
  }

  #add(instruction: Instruction): Place {
    return this.#reversed.push(instruction) - 1;
  }

  #newEnd(value: number): Place {
    const place = this.#add([RETURN, 0, 0, value]);
    this.#returns.set(value, place);
    return place;
  }

  /** Makes `place` the next instruction. */
  #comeTo(place: Place): void {
    if (place !== this.length - 1) this.#add([JUMP, 0, 0, this.length - 1 - place]);
  }

  /** A place that a conditional jump reaches: an end is repeated, any other gets a trampoline. */
  #near(place: Place): Place {
    if (this.length + 1 - place <= FARTHEST) return place;
    const [code, , , value] = this.#reversed[place] as Instruction;
    if (code !== RETURN) return this.#add([JUMP, 0, 0, this.length - 1 - place]);
    const last = this.end(value);
    return this.length + 1 - last <= FARTHEST ? last : this.#newEnd(value);
  }

  #behindLoad(place: Place, loaded: number | undefined): Place {
    const [code, , , value] = this.#reversed[place] as Instruction;
    return loaded !== undefined && code === LOAD && value === loaded ? place - 1 : place;
  }
}
