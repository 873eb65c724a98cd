/** Why an archive is not taken, as errno(3) names it. */
export type ArchiveFault = 'E2BIG' | 'EBADMSG' | 'EINVAL' | 'ENAMETOOLONG' | 'EOPNOTSUPP';

/** An archive that is none, breaks off, or has an entry that is not taken. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: ArchiveFault;
  /** Of the entry; empty where there is none. */
  readonly path: string;

  constructor(code: ArchiveFault, path = '') {
    super(`${code} ${path}`);
    this.code = code;
    this.path = path;
  }
}

export const BLOCK = 512;

/** A header block of an entry, or of an extension to the next one (POSIX, pax(1), "ustar Interchange Format"; GNU tar, "Basic Tar Format"). */
export interface TarHeader {
  /** A character; what was made before there were types is `0`. */
  readonly type: string;
  readonly path: Buffer;
  readonly link: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** What headers of a type of their own say of the next entry. */
export type Extension = Partial<Omit<TarHeader, 'type' | 'mode'>>;

/** @returns undefined for a block of zeros, the end @throws ArchiveError */
export function parseHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const field = (at: number, size: number): Buffer => block.subarray(at, at + size);
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (parseNumber(field(148, 8)) !== sum) throw new ArchiveError('EBADMSG');
  // That of GNU has no zero there, and other fields in the place of the prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? untilZero(field(345, 155)) : Buffer.alloc(0);
  const name = untilZero(field(0, 100));
  const type = block.toString('latin1', 156, 157);
  return {
    type: type === '\0' || type === '7' ? '0' : type,
    path: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    link: untilZero(field(157, 100)),
    mode: parseCount(field(100, 8)),
    uid: parseCount(field(108, 8)),
    gid: parseCount(field(116, 8)),
    size: parseCount(field(124, 12)),
    mtime: parseNumber(field(136, 12)),
  };
}

export function untilZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function parseCount(field: Buffer): number {
  const value = parseNumber(field);
  if (value < 0) throw new ArchiveError('EBADMSG');
  return value;
}

/** Octal digits; or, with the first bit set, a number of all other bits in two's complement (GNU). */
function parseNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const bits = BigInt(`0x${field.toString('hex')}`);
    return checkSafe(Number(BigInt.asIntN(8 * field.length - 1, bits)));
  }
  const digits = field.toString('latin1').replaceAll(/[\0 ]/g, '');
  if (!/^[0-7]*$/.test(digits)) throw new ArchiveError('EBADMSG');
  return checkSafe(Number(`0o${digits || '0'}`));
}

function checkSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new ArchiveError('EBADMSG');
  return value;
}

/** The records of a pax header: a length, which counts itself, a key, a value. @throws ArchiveError */
export function parseRecords(bytes: Buffer): Extension {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const digits = bytes.toString('latin1', at, Math.max(at, space));
    const end = at + Number(digits);
    const equals = bytes.indexOf('=', space + 1);
    if (!/^\d{1,9}$/.test(digits) || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end)
      throw new ArchiveError('EBADMSG');
    records.set(bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return toExtension(records);
}

function toExtension(records: ReadonlyMap<string, Buffer>): Extension {
  const extension: { -readonly [Key in keyof Extension]: Extension[Key] } = {};
  for (const [key, value] of records) {
    if (key.startsWith('GNU.sparse.')) throw new ArchiveError('EOPNOTSUPP');
    // An empty one takes back what an earlier header has said.
    if (value.length === 0) continue;
    if (key === 'path') extension.path = value;
    else if (key === 'linkpath') extension.link = value;
    else if (key === 'size' || key === 'uid' || key === 'gid') extension[key] = decimal(value, /^\d{1,19}$/);
    else if (key === 'mtime') extension.mtime = decimal(value, /^-?\d{1,19}(\.\d*)?$/);
  }
  return extension;
}

function decimal(value: Buffer, pattern: RegExp): number {
  const text = value.toString('latin1');
  if (!pattern.test(text)) throw new ArchiveError('EBADMSG');
  return checkSafe(Math.floor(Number(text)));
}
