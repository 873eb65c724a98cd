import { Source } from './source.js';

/** What a frame is of; numbers of helper/frame.h. */
export const FRAME = { file: 1, hardLink: 2, link: 3, directory: 4 } as const;

/** Bytes of the head of a frame. */
const HEAD = 40;
/** Of Linux, with the NUL that is not sent. */
export const PATH_MAX = 4096;

/** One file, folder or link on its way between two helpers (helper/frame.h). */
export interface Frame {
  readonly type: (typeof FRAME)[keyof typeof FRAME];
  /** The lower twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  /** Bytes of the content, which only a file has. */
  readonly size: number;
  /** Names are bytes. */
  readonly path: Buffer;
  /** Empty for what is no link. */
  readonly link: Buffer;
}

/** The end of all frames. */
export const END: Buffer = Buffer.alloc(HEAD);

/** A stream of frames that breaks off, or is none. */
export class BrokenFrames extends Error {
  override readonly name = 'BrokenFrames';
}

/** A file may say any time. */
function toSafe(seconds: bigint): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(seconds)));
}

/** A frame without its content. */
export function encodeFrame({ type, mode, uid, gid, mtime, size, path, link }: Frame): Buffer {
  const head = Buffer.alloc(HEAD);
  for (const [at, value] of [type, mode, uid, gid].entries()) head.writeUInt32LE(value, at * 4);
  head.writeBigInt64LE(BigInt(mtime), 16);
  head.writeBigUInt64LE(BigInt(size), 24);
  head.writeUInt32LE(path.length, 32);
  head.writeUInt32LE(link.length, 36);
  return Buffer.concat([head, path, link]);
}

/** Reads frames as they come. The content of each is to be read before the next. */
export class FrameReader {
  readonly #source: Source;

  constructor(frames: AsyncIterable<Buffer>) {
    this.#source = new Source(frames, () => new BrokenFrames('the stream breaks off'));
  }

  /** @returns undefined at the end @throws BrokenFrames */
  async next(): Promise<Frame | undefined> {
    const head = await this.#source.take(HEAD);
    if (head.equals(END)) {
      if (!(await this.#source.isOver())) throw new BrokenFrames('there is more behind the end');
      return undefined;
    }
    const [type, mode, uid, gid] = [0, 4, 8, 12].map((at) => head.readUInt32LE(at)) as [Frame['type'], number, number, number];
    const size = Number(head.readBigUInt64LE(24));
    const lengths = [head.readUInt32LE(32), head.readUInt32LE(36)] as const;
    if (!Object.values(FRAME).includes(type) || lengths.some((length) => length >= PATH_MAX)) throw new BrokenFrames('this is no frame');
    const [path, link] = [await this.#source.take(lengths[0]), await this.#source.take(lengths[1])];
    if (!Number.isSafeInteger(size)) throw new BrokenFrames(`${path} is too large, or says so`);
    return { type, mode, uid, gid, mtime: toSafe(head.readBigInt64LE(16)), size, path, link };
  }

  /** The next bytes in pieces as they come. @throws BrokenFrames */
  content(size: number): AsyncGenerator<Buffer> {
    return this.#source.pieces(size);
  }
}
