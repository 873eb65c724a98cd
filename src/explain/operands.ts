import { OPS, type OpName } from '../plan/ops.js';
import type { Step } from '../plan/step.js';
import {
  attributeNames,
  capabilitySet,
  deviceType,
  filterFlagNames,
  limitName,
  limitValue,
  namespaceNames,
  octal,
  openFlagNames,
  pair,
  propagationNames,
  signalName,
  signed,
} from './numbers.js';
import { type Secrecy, showVariable } from './secrets.js';

/** An operand with its numbers told by their names. */
export type Decoded = string | number | boolean | readonly string[];
type Amount = number | bigint;

const MASKS = { namespaces: namespaceNames, attrs: attributeNames, capabilities: capabilitySet };

/** Numbers by op and operand; those of {@link MASKS} mean the same everywhere, all others are shown as they are. */
const NUMBERS: Readonly<Partial<Record<OpName, Readonly<Record<string, (value: Amount) => Decoded>>>>> = {
  propagation: { mode: propagationNames },
  open: { flags: openFlagNames },
  file: { mode: octal },
  mount: { mode: octal },
  device: {
    mode: (value) => `${deviceType(value)} ${octal(value)}`,
    device: (value) => pair(value).join(':'),
    owner: (value) => pair(value).join(':'),
  },
  'parent-death': { signal: signalName },
  rlimit: { resource: limitName, soft: limitValue, hard: limitValue },
  'oom-score': { value: signed },
  umask: { mask: octal },
  listener: { flags: filterFlagNames },
  seccomp: { flags: filterFlagNames },
  caps: { permitted: capabilitySet, inheritable: capabilitySet, ambient: capabilitySet },
  exec: { reaper: (value) => BigInt(value) !== 0n },
};

/**
 * The operands by their names in the table of ops, in its order; those that the step leaves out are left out. Flags and
 * capabilities become lists of names, modes octal text, `major:minor` and `uid:gid` text, bytes text, numbers above 2^53
 * decimal text. Values of secret-looking variables are hidden, unless asked for.
 */
export function decodeOperands(step: Step, secrecy: Secrecy = {}): Record<string, Decoded> {
  const values = new Map(Object.entries(step.operands as object));
  const decoded: Record<string, Decoded> = {};
  for (const part of OPS[step.op].operands.split(' ')) {
    const name = part.slice(part.indexOf(':') + 1);
    const value: unknown = values.get(name);
    if (name !== '' && value !== undefined) decoded[name] = decodeOne(step.op, name, value, secrecy);
  }
  return decoded;
}

function decodeOne(op: OpName, name: string, value: unknown, secrecy: Secrecy): Decoded {
  if (typeof value === 'number' || typeof value === 'bigint') return decodeNumber(op, name, value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return name === 'env' ? value.map((entry) => showVariable(String(entry), secrecy)) : value.map(String);
  return String(value);
}

function decodeNumber(op: OpName, name: string, value: Amount): Decoded {
  const decode = NUMBERS[op]?.[name] ?? (name in MASKS ? MASKS[name as keyof typeof MASKS] : undefined);
  if (decode) return decode(value);
  return typeof value === 'bigint' && value > BigInt(Number.MAX_SAFE_INTEGER) ? value.toString() : Number(value);
}
