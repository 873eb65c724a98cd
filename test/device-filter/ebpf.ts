import type { Request } from './model.js';

const ACCESS = { m: 1, r: 2, w: 4 } as const;
const TYPE = { b: 1, c: 2 } as const;

/** struct bpf_cgroup_dev_ctx of linux/bpf.h. */
function contextOf({ type, major, minor, access }: Request): Buffer {
  const bits = [...access].reduce((all, letter) => all | ACCESS[letter as keyof typeof ACCESS], 0);
  const context = Buffer.alloc(12);
  for (const [index, word] of [(bits << 16) | TYPE[type], major, minor].entries()) context.writeUInt32LE(word, 4 * index);
  return context;
}

/**
 * Runs a program of the device filter as the kernel would; knows only the instructions that the filter uses, and like the
 * verifier refuses a register that was never written, a jump back, and the end of the program without `exit`.
 */
export function runProgram(program: Uint8Array, request: Request): { answer: number; steps: number } {
  const bytes = Buffer.from(program);
  const context = contextOf(request);
  const registers: (number | undefined)[] = [undefined];
  const read = (register: number): number => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} was never written`);
    return value;
  };
  for (let at = 0, steps = 1; at < bytes.length / 8; at++, steps++) {
    const code = bytes.readUInt8(8 * at);
    const [to, from] = [bytes.readUInt8(8 * at + 1) & 15, bytes.readUInt8(8 * at + 1) >> 4];
    const [offset, value] = [bytes.readInt16LE(8 * at + 2), bytes.readInt32LE(8 * at + 4)];
    if (code === 0x95) return { answer: read(0), steps };
    if (code === 0x61 && from === 1) registers[to] = context.readUInt32LE(offset);
    else if (code === 0xb4) registers[to] = value >>> 0;
    else if (code === 0xbc) registers[to] = read(from);
    else if (code === 0x54) registers[to] = (read(to) & value) >>> 0;
    else if (code === 0x74) registers[to] = read(to) >>> value;
    else if (code === 0x05 || (code === 0x56 && read(to) !== value >>> 0) || (code === 0x46 && read(to) & value)) {
      if (offset < 0) throw new Error(`a jump back at ${at}`);
      at += offset;
    } else if (code !== 0x56 && code !== 0x46) throw new Error(`an unknown instruction ${code.toString(16)} at ${at}`);
  }
  throw new Error('ran off the end');
}
