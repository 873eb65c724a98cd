/** A piece of a container's output, as one read(2) of the monitor got it (docs/logs.md). */
export interface Piece {
  readonly stream: 'stdout' | 'stderr';
  /** Milliseconds since 1970, with the fraction that the kernel's clock gives. */
  readonly time: number;
  readonly bytes: Buffer;
  /** Bytes of output that were lost before this piece, since the disk had no room. */
  readonly lost: number;
}

const HEADER = 16;
const MAGIC = Buffer.from([0x1e, 0x63, 0x6c]);
/** The monitor's buffer: no piece is longer. */
const LONGEST = 1 << 16;

/** Cuts a log into pieces; what is not whole yet is kept. What is no piece, half of one after a crash, is passed over. */
export class PieceDecoder {
  #rest: Buffer = Buffer.alloc(0);
  #lost = 0;

  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      const start = findPiece(bytes);
      bytes = bytes.subarray(start);
      if (bytes.length < HEADER) break;
      const size = bytes.readUInt32LE(4);
      if (bytes.length < HEADER + size) break;
      const rest = bytes.subarray(HEADER + size);
      const inner = mayBeHeader(rest) ? -1 : findWhole(bytes, HEADER + size);
      if (inner < 0) this.#take(bytes, bytes.subarray(HEADER, HEADER + size), pieces);
      bytes = inner < 0 ? rest : bytes.subarray(inner);
    }
    this.#rest = Buffer.from(bytes);
    return pieces;
  }

  /** Another file follows: half a piece at the end of this one is passed over, unless whole ones come after its beginning. */
  next(): Piece[] {
    const pieces: Piece[] = [];
    for (let bytes = this.#rest; bytes.length > 0; ) {
      this.#rest = Buffer.alloc(0);
      pieces.push(...this.push(bytes.subarray(1)));
      bytes = this.#rest;
    }
    return pieces;
  }

  /** Bytes that were lost after the last piece. */
  get lost(): number {
    return this.#lost;
  }

  #take(header: Buffer, bytes: Buffer, pieces: Piece[]): void {
    const stream = header[3];
    if (stream === 0) {
      this.#lost += Number(bytes.readBigUInt64LE(0));
      return;
    }
    const time = Number(header.readBigUInt64LE(8)) / 1e6;
    pieces.push({ stream: stream === 1 ? 'stdout' : 'stderr', time, bytes, lost: this.#lost });
    this.#lost = 0;
  }
}

/** Where the next piece may begin; the length where there is none. */
function findPiece(bytes: Buffer): number {
  let at = 0;
  while (bytes.length - at >= HEADER && !isHeader(bytes, at)) {
    const next = bytes.indexOf(MAGIC, at + 1);
    at = next < 0 ? Math.max(at + 1, bytes.length - MAGIC.length + 1) : next;
  }
  return at;
}

/** What follows a whole piece is another, or nothing yet. */
function mayBeHeader(bytes: Buffer): boolean {
  if (bytes.length >= HEADER) return isHeader(bytes, 0);
  const known = Math.min(bytes.length, MAGIC.length);
  return bytes.compare(MAGIC, 0, known, 0, known) === 0;
}

/** Of half a piece that others were written after: where the first of them begins, before `end`; -1 where there is none. */
function findWhole(bytes: Buffer, end: number): number {
  for (let at = bytes.indexOf(MAGIC, 1); at >= 0 && at < end; at = bytes.indexOf(MAGIC, at + 1))
    if (bytes.length - at >= HEADER && isHeader(bytes, at)) return at;
  return -1;
}

function isHeader(bytes: Buffer, at: number): boolean {
  if (bytes.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) !== 0) return false;
  const [stream, size] = [bytes[at + 3], bytes.readUInt32LE(at + 4)];
  return stream === 0 ? size === 8 : (stream === 1 || stream === 2) && size > 0 && size <= LONGEST;
}
