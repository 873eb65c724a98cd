/** What the kernel hands to a filter (seccomp(2), struct seccomp_data). */
export interface Call {
  readonly nr: number;
  readonly arch: number;
  readonly args: readonly bigint[];
}

export const AUDIT = { x86_64: 0xc000003e, x32: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7 } as const;

export interface Outcome {
  /** SECCOMP_RET_… with its data. */
  readonly verdict: number;
  /** Instructions executed. */
  readonly steps: number;
}

function wordAt(call: Call, offset: number): number {
  if (offset === 0) return call.nr;
  if (offset === 4) return call.arch;
  if (offset < 16 || offset > 60 || offset % 4 !== 0) throw new RangeError(`no such word: ${offset}`);
  const arg = call.args[(offset - 16) >> 3] ?? 0n;
  return Number(offset % 8 === 0 ? arg & 0xffffffffn : arg >> 32n);
}

/**
 * Runs a filter as the kernel would: classic BPF of the kinds that seccomp takes.
 * @throws RangeError for an instruction that the kernel would not load: one of another kind, a jump out of the program
 */
export function execute(bytes: Uint8Array, call: Call): Outcome {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let loaded = 0;
  let at = 0;
  for (let steps = 1; ; steps++) {
    if (8 * at >= bytes.length) throw new RangeError(`runs out of the program at ${at}`);
    const code = view.getUint16(8 * at, true);
    const value = view.getUint32(8 * at + 4, true);
    const branch = (holds: boolean): number => view.getUint8(8 * at + (holds ? 2 : 3));
    let skip = 0;
    if (code === 0x20) loaded = wordAt(call, value);
    else if (code === 0x54) loaded = (loaded & value) >>> 0;
    else if (code === 0x05) skip = value;
    else if (code === 0x15) skip = branch(loaded === value);
    else if (code === 0x25) skip = branch(loaded > value);
    else if (code === 0x35) skip = branch(loaded >= value);
    else if (code === 0x45) skip = branch((loaded & value) !== 0);
    else if (code === 0x06) return { verdict: value, steps };
    else throw new RangeError(`unknown instruction 0x${code.toString(16)} at ${at}`);
    at += 1 + skip;
  }
}

/** What the kernel's checker demands of every instruction, reached or not (bpf_check_classic): jumps stay inside, the last one returns. */
export function check(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / 8;
  if (!Number.isInteger(count) || count < 1 || count > 4096) return `${count} instructions`;
  for (let at = 0; at < count; at++) {
    const code = view.getUint16(8 * at, true);
    const left = count - at - 1;
    if (code === 0x05 && view.getUint32(8 * at + 4, true) >= left) return `instruction ${at} jumps out`;
    if ((code & 0x07) === 0x05 && code !== 0x05 && Math.max(view.getUint8(8 * at + 2), view.getUint8(8 * at + 3)) >= left)
      return `instruction ${at} jumps out`;
    if (code === 0x20 && (view.getUint32(8 * at + 4, true) % 4 !== 0 || view.getUint32(8 * at + 4, true) > 60))
      return `instruction ${at} loads from outside`;
  }
  return view.getUint16(8 * (count - 1), true) === 0x06 ? undefined : 'it does not end with a return';
}
