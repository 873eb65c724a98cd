import { END, encodeFrame, FRAME, type Frame, PATH_MAX } from './frames.js';
import { Source } from './source.js';
import { ArchiveError, BLOCK, type Extension, parseHeader, parseRecords, type TarHeader, untilZero } from './tar-header.js';

const TYPES: Readonly<Record<string, Frame['type']>> = { 0: FRAME.file, 1: FRAME.hardLink, 2: FRAME.link, 5: FRAME.directory };
/** Types whose size, if they say one, is that of nothing: links, devices, folders, pipes. */
const EMPTY = /^[1-6]$/;
/** A sparse file of GNU's own format. */
const SPARSE = 'S';
/** Bytes of a pax header, or of a long name, that are taken. */
const MAX_EXTENSION = 1 << 20;
/** What the kernel takes for no number of a user: it is for no change. */
const NO_ID = 0xffff_ffff;

/**
 * Makes frames of a tar archive, as it comes: ustar, with the extensions of pax and GNU, or older. Names are bytes. What leads
 * through a link is left to the helper to refuse.
 * @param leaveOut gets the path of each entry that is no file, folder or link
 * @throws ArchiveError; what `archive` throws
 */
export async function* unpackTar(archive: AsyncIterable<Buffer>, leaveOut: (path: string) => void): AsyncGenerator<Buffer> {
  const source = new Source(archive, () => new ArchiveError('EBADMSG'));
  try {
    for (let header = await nextEntry(source); header !== undefined; header = await nextEntry(source)) {
      const frame = toFrame(header);
      if (frame !== undefined) {
        yield encodeFrame(frame);
        yield* source.pieces(header.size);
      } else {
        leaveOut(header.path.toString());
        await source.skip(header.size);
      }
      await source.skip(padding(header.size));
    }
    // Whoever writes may not have written all yet.
    await source.drain();
    yield END;
  } finally {
    await source.close();
  }
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** The next entry, with what headers before it say of it; undefined at the end. */
async function nextEntry(source: Source): Promise<TarHeader | undefined> {
  let extension: Extension = {};
  for (;;) {
    const header = parseHeader(await source.take(BLOCK));
    if (header === undefined) return undefined;
    if (!/^[xgLK]$/.test(header.type)) return extend(header, extension);
    if (header.size > MAX_EXTENSION) throw new ArchiveError('E2BIG');
    const bytes = await source.take(header.size);
    await source.skip(padding(header.size));
    if (header.type === 'x') extension = { ...extension, ...parseRecords(bytes) };
    else if (header.type === 'L') extension = { ...extension, path: untilZero(bytes) };
    else if (header.type === 'K') extension = { ...extension, link: untilZero(bytes) };
  }
}

function extend(header: TarHeader, extension: Extension): TarHeader {
  const whole = { ...header, ...extension };
  return EMPTY.test(whole.type) ? { ...whole, size: 0 } : whole;
}

/** @returns undefined for what is left out @throws ArchiveError */
function toFrame({ type, path, link, mode, uid, gid, mtime, size }: TarHeader): Frame | undefined {
  const refuse = (code: ArchiveError['code']): never => {
    throw new ArchiveError(code, path.toString());
  };
  if (type === SPARSE) refuse('EOPNOTSUPP');
  if (path.includes(0) || link.includes(0)) refuse('EBADMSG');
  if (path.length >= PATH_MAX || link.length >= PATH_MAX) refuse('ENAMETOOLONG');
  if (path.length === 0 || uid >= NO_ID || gid >= NO_ID) refuse('EINVAL');
  const known = TYPES[type];
  if (known === undefined) return undefined;
  // The tar of old has no other sign of a folder.
  const isFolder = known === FRAME.file && size === 0 && path.at(-1) === 0x2f;
  return {
    type: isFolder ? FRAME.directory : known,
    mode: mode & 0o7777,
    uid,
    gid,
    mtime,
    size,
    path: below(path),
    link: known === FRAME.hardLink ? below(link, path) : known === FRAME.link ? link : Buffer.alloc(0),
  };
}

/** A name as below the folder that is extracted to, as the helper wants it: without slashes at its ends. */
function below(name: Buffer, entry = name): Buffer {
  const parts = name.toString('latin1').split('/');
  if (parts.includes('..')) throw new ArchiveError('EINVAL', entry.toString());
  return Buffer.from(parts.filter((part) => part !== '' && part !== '.').join('/') || '.', 'latin1');
}
