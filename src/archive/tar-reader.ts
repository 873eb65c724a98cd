import type { Extract, Header } from 'tar-stream';

/** Why an archive is not taken, as errno(3) names it. */
export type ArchiveFault = 'EBADMSG' | 'EINVAL' | 'ENAMETOOLONG' | 'EOPNOTSUPP';

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

/** Of an entry; a character of a name is a byte. Null: no type that is known. */
export type TarHeader = Omit<Header, 'type' | 'linkname'> & {
  type: Header['type'] | 'pax-header' | 'pax-global-header' | 'gnu-long-path' | 'gnu-long-link-path' | null;
  linkname: string | null;
};

/**
 * Of tar-stream what is no part of its interface, and why it is used (docs/decisions/cp.md). Its version is therefore an exact one in
 * package.json, and test/archive tells when another has it no longer.
 */
interface Inner {
  /** Null after a block of zeros. */
  _header: TarHeader | null;
  /** Bytes up to the next header. */
  _missing: number;
  _consumeHeader(): boolean;
  _decodeLongHeader(bytes: Buffer): void;
  _applyLongHeaders(): void;
  _final(done: (error: Error | null) => void): void;
}

const FILES: ReadonlySet<TarHeader['type']> = new Set<TarHeader['type']>(['file', 'contiguous-file', null]);
const EXTENSIONS: ReadonlySet<TarHeader['type']> = new Set<TarHeader['type']>([
  'pax-header',
  'pax-global-header',
  'gnu-long-path',
  'gnu-long-link-path',
]);

/**
 * The reader of tar-stream, made strict: names in pax headers are bytes, a pax header that is broken is an error, as is an archive without
 * an end, and what is behind the end is not looked at.
 */
export async function openTar(): Promise<Extract> {
  const { default: tar } = await import('tar-stream');
  const options = { filenameEncoding: 'latin1', allowUnknownFormat: true, highWaterMark: 65_536 };
  const extract = tar.extract(options);
  const inner = extract as unknown as Inner;
  const [consumeHeader, decodeLongHeader, applyLongHeaders] = [inner._consumeHeader, inner._decodeLongHeader, inner._applyLongHeaders];
  let records: ReadonlyMap<string, string> = new Map();
  let ended = false;
  inner._consumeHeader = () => {
    if (!consumeHeader.call(inner)) return false;
    ended = inner._header === null;
    if (ended) inner._missing = Number.POSITIVE_INFINITY;
    if (!EXTENSIONS.has(inner._header?.type ?? null) || isCount(inner._header?.size)) return true;
    extract.destroy(new ArchiveError('EBADMSG'));
    return false;
  };
  inner._decodeLongHeader = (bytes) => {
    if (inner._header?.type === 'pax-header') records = parseRecords(bytes);
    else if (inner._header?.type !== 'pax-global-header') decodeLongHeader.call(inner, bytes);
  };
  inner._applyLongHeaders = () => {
    applyLongHeaders.call(inner);
    if (inner._header) inner._header = extend(inner._header, records);
    records = new Map();
  };
  inner._final = (done) => done(ended ? null : new ArchiveError('EBADMSG'));
  return extract;
}

/** A whole number of a header; one below 0 that is nearly 0 comes from tar-stream as -0. */
export function isCount(value: number | undefined): boolean {
  return Number.isSafeInteger(value) && (value ?? -1) >= 0 && !Object.is(value, -0);
}

/** @throws ArchiveError for what is no pax header, or that of a sparse file */
function parseRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const digits = bytes.toString('latin1', at, Math.max(at, space));
    const end = at + Number(digits);
    const equals = bytes.indexOf('=', space + 1);
    if (!/^\d{1,9}$/.test(digits) || end > bytes.length || bytes[end - 1] !== 10 || equals < 0 || equals >= end)
      throw new ArchiveError('EBADMSG');
    const key = bytes.toString('latin1', space + 1, equals);
    if (key.startsWith('GNU.sparse.')) throw new ArchiveError('EOPNOTSUPP');
    records.set(key, bytes.toString('latin1', equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A number that is none becomes NaN, which nothing takes. */
function extend(header: TarHeader, records: ReadonlyMap<string, string>): TarHeader {
  const number = (key: string, given: number): number => {
    const text = records.get(key);
    if (text === undefined) return given;
    return /^\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  };
  const mtime = records.get('mtime');
  return {
    ...header,
    name: records.get('path') ?? header.name,
    linkname: records.get('linkpath') ?? header.linkname,
    uid: number('uid', header.uid),
    gid: number('gid', header.gid),
    // Only a file has a content, whatever its header says.
    size: FILES.has(header.type) ? number('size', header.size) : 0,
    mtime: mtime === undefined ? header.mtime : new Date(Number(mtime) * 1000),
  };
}
