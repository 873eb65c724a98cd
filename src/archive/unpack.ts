import type { Extract } from 'tar-stream';
import { END, encodeFrame, FRAME, type Frame, PATH_MAX } from './frames.js';
import { ArchiveError, isCount, openTar, type TarHeader } from './tar-reader.js';

const TYPES = {
  file: FRAME.file,
  'contiguous-file': FRAME.file,
  link: FRAME.hardLink,
  symlink: FRAME.link,
  directory: FRAME.directory,
} as const;
/** What the kernel takes for no number of a user: it is for no change. */
const NO_ID = 0xffff_ffff;

/**
 * Makes frames of a tar archive, as it comes. What leads out of a folder is left to the helper to refuse.
 * @param leaveOut gets the path of each entry that is no file, folder or link
 * @throws ArchiveError
 */
export async function* unpackTar(source: AsyncIterable<Buffer>, leaveOut: (path: string) => void): AsyncGenerator<Buffer> {
  const extract = await openTar();
  let fault: unknown;
  const fed = feed(source, extract).catch((error: unknown) => {
    fault = error;
    extract.destroy();
  });
  try {
    for await (const entry of extract) {
      const frame = frameOf(entry.header as TarHeader);
      if (frame === undefined) leaveOut(Buffer.from(entry.header.name, 'latin1').toString());
      else yield encodeFrame(frame);
      for await (const piece of entry as AsyncIterable<Buffer>) if (frame !== undefined) yield piece;
    }
    await fed;
    if (fault !== undefined) throw fault;
    yield END;
  } catch (error) {
    // What the library has to say is of the archive, in whatever words.
    const isOurs = error instanceof ArchiveError || error instanceof TypeError || error instanceof RangeError;
    throw fault ?? (isOurs ? error : new ArchiveError('EBADMSG'));
  } finally {
    extract.destroy();
  }
}

/** @throws what `source` throws; an error of the archive comes out of the reader */
async function feed(source: AsyncIterable<Buffer>, extract: Extract): Promise<void> {
  let wake = (): void => {};
  for (const event of ['drain', 'close'] as const) extract.on(event, () => wake());
  for await (const chunk of source) {
    const isFull = !extract.write(chunk);
    if (extract.destroyed) return;
    if (isFull) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  extract.end(null);
}

/** @returns undefined for what is left out */
function frameOf({ name, type, mode, uid, gid, mtime, size, linkname }: TarHeader): Frame | undefined {
  const path = Buffer.from(name, 'latin1');
  const link = Buffer.from(linkname ?? '', 'latin1');
  const refuse = (code: ArchiveError['code']): never => {
    throw new ArchiveError(code, path.toString());
  };
  const seconds = Math.floor(mtime.getTime() / 1000);
  if (![mode, uid, gid, size].every(isCount) || !Number.isSafeInteger(seconds) || path.includes(0) || link.includes(0)) refuse('EBADMSG');
  if (path.length >= PATH_MAX || link.length >= PATH_MAX) refuse('ENAMETOOLONG');
  if (path.length === 0 || uid >= NO_ID || gid >= NO_ID) refuse('EINVAL');
  if (type === null || !(type in TYPES)) return undefined;
  // The tar of old has no other sign of a folder.
  const known = type === 'file' && size === 0 && name.endsWith('/') ? FRAME.directory : TYPES[type as keyof typeof TYPES];
  const isLink = known === FRAME.hardLink || known === FRAME.link;
  return { type: known, mode: mode & 0o7777, uid, gid, mtime: seconds, size, path, link: isLink ? link : Buffer.alloc(0) };
}
