import { BugError } from '../errors.js';
import type { HelperEvent } from './events.js';

const HEADER_BYTES = 24;
/** More text than the helper's ledger holds is no record of it. */
const MAX_TEXT = 4096;

/** Cuts the helper's stream into events; keeps what is not whole yet. */
export class EventDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws BugError for bytes that are no event. */
  push(chunk: Buffer): HelperEvent[] {
    const events: HelperEvent[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUInt32LE(20);
      if (length > MAX_TEXT) throw new BugError(`the helper announced a text of ${length} bytes`);
      if (bytes.length < HEADER_BYTES + length) break;
      events.push(decode(bytes, bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + length)));
      bytes = bytes.subarray(HEADER_BYTES + length);
    }
    this.#rest = bytes;
    return events;
  }

  /** True in the middle of a record: an end of the stream here is a bug of the helper. */
  get isPartial(): boolean {
    return this.#rest.length > 0;
  }
}

function decode(bytes: Buffer, text: string): HelperEvent {
  const kind = bytes.readUInt32LE(0);
  const index = bytes.readUInt32LE(4);
  const value = Number(bytes.readBigInt64LE(8));
  switch (kind) {
    case 1:
      return { kind: 'hello', hash: decodeHash(text) };
    case 2:
      return { kind: 'created', pid: value };
    case 3:
      return { kind: 'step', index, errno: value, micros: bytes.readUInt32LE(16), text };
    case 4:
      return { kind: 'report', index, text };
    case 5:
      return { kind: 'started' };
    case 6:
      return { kind: 'failed', index, errno: value, text };
    case 7:
      return { kind: 'exited', status: value, text };
    case 8:
      return { kind: 'typed', signal: value };
    case 9:
      return { kind: 'detached' };
    default:
      throw new BugError(`the helper sent an event of unknown kind ${kind}`);
  }
}

function decodeHash(text: string): bigint {
  if (!/^[0-9a-f]{1,16}$/.test(text)) throw new BugError(`the helper sent a hash that is none: ${JSON.stringify(text.slice(0, 20))}`);
  return BigInt(`0x${text}`);
}
