import { UserError } from '../errors.js';
import { quote } from './quote.js';

export { parseDuration } from './duration.js';

/** Below this the kernel's own needs and a shell leave nothing: a start would end in an unexplained kill. */
export const SMALLEST_MEMORY = 6 * 1024 ** 2;

const SIZE = /^(\d{1,30}(?:\.\d{1,30})?)(?: ?([a-z]+))?$/i;
const POWERS = new Map([
  ['', 0n],
  ['b', 0n],
  ['k', 1n],
  ['m', 2n],
  ['g', 3n],
  ['t', 4n],
]);
const MIB = 1024n ** 2n;

/**
 * The text of `--memory` in bytes. A bare number is MiB; from 6291456 up it is bytes, as docker means it; one between,
 * whose MiB would exceed the machine's memory, is refused. `k m g t`, with `b` or `iB` after them, are powers of 1024.
 * @param machineBytes the memory of the machine, in bytes
 * @throws UserError for another text, less than 6 MiB, or more than 2^53−1 bytes.
 */
export function parseMemory(text: string, machineBytes: number): number {
  return memoryBytes('--memory', text, machineBytes);
}

/**
 * The text of `--memory-swap` in bytes of memory and swap together: as {@link parseMemory}, so that two bare numbers
 * side by side mean the same; `-1` is unlimited swap.
 */
export function parseMemorySwap(text: string, machineBytes: number): number {
  return text === '-1' ? -1 : memoryBytes('--memory-swap', text, machineBytes);
}

function memoryBytes(flag: string, text: string, machineBytes: number): number {
  const { digits, unit } = splitSize(flag, text, `${flag} 50 is 50 MiB; ${flag} 512m, 2g, 1.5GiB`);
  const bytes = toNumber(flag, text, unit === undefined ? bareMemory(flag, digits, machineBytes) : scale(digits, unit));
  if (bytes >= SMALLEST_MEMORY) return bytes;
  const hint = `ask for 6 MiB or more; a bare number is MiB: ${flag} 50`;
  throw new UserError(`${flag} ${text} is ${formatBytes(bytes)}: too little for a container to start, which takes 6 MiB`, { hint });
}

function bareMemory(flag: string, digits: string, machineBytes: number): bigint {
  const bytes = scale(digits, 1n);
  if (bytes >= BigInt(SMALLEST_MEMORY)) return bytes;
  const mebibytes = scale(digits, MIB);
  if (Number(mebibytes) <= machineBytes) return mebibytes;
  const hint = `write ${flag} ${digits}m (${formatBytes(Number(mebibytes))}) or ${flag} ${digits}b (${formatBytes(Number(bytes))})`;
  const why = `as MiB it is more than this machine has (${formatBytes(machineBytes)})`;
  throw new UserError(`${flag} ${digits} is ambiguous: ${why}, and as bytes it is less than 6 MiB`, { hint });
}

/**
 * A size in bytes as docker writes them: a bare number is bytes; `k m g t`, with `b` or `iB` after them, are powers of 1024.
 * @param what the flag or field, for the message
 * @throws UserError for another text, zero, or more than 2^53−1 bytes.
 */
export function parseSize(text: string, what = 'size'): number {
  const { digits, unit } = splitSize(what, text, 'a bare number is bytes; 64m, 2g, 1GiB');
  const bytes = toNumber(what, text, scale(digits, unit ?? 1n));
  if (bytes > 0) return bytes;
  throw new UserError(`${what}: ${quote(text)} is no room at all`, { hint: 'for example: 64m' });
}

/** `unit` is undefined for a bare number. */
function splitSize(what: string, text: string, hint: string): { digits: string; unit: bigint | undefined } {
  const [, digits, suffix = ''] = SIZE.exec(text) ?? [];
  const power = POWERS.get(suffix.toLowerCase().replace(/^([kmgt])i?b$/, '$1'));
  if (digits === undefined || power === undefined) throw new UserError(`${what}: ${quote(text)} is not a size`, { hint });
  return { digits, unit: suffix === '' ? undefined : 1024n ** power };
}

/** A decimal times a unit, in whole bytes; what is left of a byte is dropped. Exact, where doubles would round. */
function scale(digits: string, unit: bigint): bigint {
  const [whole = '', fraction = ''] = digits.split('.');
  return (BigInt(whole + fraction) * unit) / 10n ** BigInt(fraction.length);
}

function toNumber(what: string, text: string, exact: bigint): number {
  if (exact <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(exact);
  throw new UserError(`${what}: ${quote(text)} is more than crt counts exactly (8 PiB)`, { hint: 'leave the limit out for none' });
}

/** Bytes for people, to a tenth of the unit at most: `50 MiB`, `1.5 GiB`, `12 B`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  // 1023.95 would print as 1024.0 of the smaller unit.
  while (Math.round(value * 10) >= 10240 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Math.round(value * 10) / 10} ${units[unit]}`;
}
