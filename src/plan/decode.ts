import { HEADER_BYTES, MAGIC, operandsOf, STEP_BYTES, VERSION } from './encode.js';
import { ACTORS, FLAG_BITS, OPS, type OpName, opsHash, type StepFlag } from './ops.js';

/** A step as it stands on the wire: no chapter and no reason, slots by number. */
export interface DecodedStep {
  readonly op: OpName;
  readonly actor: (typeof ACTORS)[number];
  readonly flags: readonly StepFlag[];
  readonly operands: Readonly<Record<string, string | number | bigint | readonly string[] | Uint8Array>>;
}

const names = Object.keys(OPS) as OpName[];

function splitList(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.subarray(0, -1).toString().split('\0');
}

function decodeStep(bytes: Buffer, strings: Buffer): DecodedStep {
  const op = names[bytes.readUInt16LE(0)];
  const actor = ACTORS[bytes.readUInt8(2)];
  if (op === undefined || actor === undefined) throw new TypeError('the record names no op or no actor of this version');
  const operands: Record<string, string | number | bigint | readonly string[] | Uint8Array> = {};
  let [slot, text, number] = [0, 0, 0];
  for (const spec of operandsOf(op)) {
    if (spec.kind === 'num') operands[spec.name] = bytes.readBigUInt64LE(40 + 8 * number++);
    else if (spec.kind === 'in' || spec.kind === 'out') {
      const filled = bytes.readUInt8(4 + slot++);
      if (filled !== 0xff) operands[spec.name] = filled;
    } else {
      const offset = bytes.readUInt32LE(8 + 4 * text);
      const value = strings.subarray(offset, offset + bytes.readUInt32LE(24 + 4 * text++));
      if (offset !== 0xffffffff) {
        operands[spec.name] = spec.kind === 'bytes' ? Uint8Array.from(value) : spec.kind === 'list' ? splitList(value) : value.toString();
      }
    }
  }
  const bits = bytes.readUInt8(3);
  const flags = (Object.keys(FLAG_BITS) as StepFlag[]).filter((flag) => bits & FLAG_BITS[flag]);
  return { op, actor, flags, operands };
}

/** Why these bytes are no plan of this version of crt, whole; undefined when they are. */
export function planProblem(bytes: Buffer): 'damaged' | 'foreign' | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return 'damaged';
  if (bytes.readUInt32LE(4) !== VERSION || bytes.readBigUInt64LE(8) !== opsHash()) return 'foreign';
  const size = HEADER_BYTES + STEP_BYTES * bytes.readUInt32LE(16) + bytes.readUInt32LE(20);
  return bytes.length === size ? undefined : 'damaged';
}

/** The inverse of encodePlan, for tests and for reading the plan of a state folder. @throws TypeError for foreign bytes. */
export function decodePlan(bytes: Buffer): readonly DecodedStep[] {
  const count = bytes.readUInt32LE(16);
  const strings = bytes.subarray(HEADER_BYTES + STEP_BYTES * count);
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + STEP_BYTES * index;
    return decodeStep(bytes.subarray(at, at + STEP_BYTES), strings);
  });
}
