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

/**
 * A classic BPF program (seccomp(2)), written backwards: BPF jumps only forwards, so whatever an instruction goes to
 * is there already, and its distance is known.
 */
export class Program {
  /** The last instruction first, as struct sock_filter has it: code and the two jumps in one word, the value in another. */
  readonly #codes: number[] = [];
  readonly #values: number[] = [];
  readonly #returns = new Map<number, Place>();

  get length(): number {
    return this.#codes.length;
  }

  /** Ends with a value for the kernel, SECCOMP_RET_…. */
  end(value: number): Place {
    return this.#returns.get(value) ?? this.#newEnd(value);
  }

  /** Loads the 32-bit word at `offset` of struct seccomp_data. */
  load(offset: number, then: Place): Place {
    this.#comeTo(then);
    return this.#add(LOAD, offset);
  }

  /** Keeps the bits of `mask` of what is loaded. */
  and(mask: number, then: Place): Place {
    this.#comeTo(then);
    return this.#add(AND, mask);
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
    return this.#add(code | ((next - yes) << 16) | ((next - no) << 24), value);
  }

  /**
   * As the kernel takes it, `start` first; what stands before `start` is not reached and left out.
   * @throws UserError where it is longer than the kernel takes
   */
  encode(start: Place): Uint8Array<ArrayBuffer> {
    const count = start + 1;
    if (count > MOST_INSTRUCTIONS)
      throw new UserError(`the seccomp filter has ${count} instructions, and the kernel takes ${MOST_INSTRUCTIONS}`, {
        hint: 'give it fewer rules with arguments',
      });
    // In the order of this machine's bytes, as the kernel reads it; every processor with a table here is little-endian.
    const words = new Uint32Array(2 * count);
    for (let at = 0; at < count; at++) {
      words[2 * at] = this.#codes[start - at] ?? 0;
      words[2 * at + 1] = this.#values[start - at] ?? 0;
    }
    return new Uint8Array(words.buffer);
  }

  #add(code: number, value: number): Place {
    this.#values.push(value);
    return this.#codes.push(code) - 1;
  }

  #newEnd(value: number): Place {
    const place = this.#add(RETURN, value);
    this.#returns.set(value, place);
    return place;
  }

  /** Makes `place` the next instruction. */
  #comeTo(place: Place): void {
    if (place !== this.length - 1) this.#add(JUMP, this.length - 1 - place);
  }

  /** A place that a conditional jump reaches: an end is repeated, any other gets a trampoline. */
  #near(place: Place): Place {
    if (this.length + 1 - place <= FARTHEST) return place;
    if (this.#codes[place] !== RETURN) return this.#add(JUMP, this.length - 1 - place);
    const value = this.#values[place] ?? 0;
    const last = this.end(value);
    return this.length + 1 - last <= FARTHEST ? last : this.#newEnd(value);
  }

  #behindLoad(place: Place, loaded: number | undefined): Place {
    return loaded !== undefined && this.#codes[place] === LOAD && this.#values[place] === loaded ? place - 1 : place;
  }
}
