import test from 'ava';
import fc from 'fast-check';
import { BugError } from '../../src/errors.js';
import { EventDecoder } from '../../src/launch/decoder.js';
import type { HelperEvent } from '../../src/launch/events.js';

const HEADER = 24;
const MOST_TEXT = 4096;
const KINDS = ['', 'hello', 'created', 'step', 'report', 'started', 'failed', 'exited', 'typed', 'detached'];

interface Raw {
  readonly kind: number;
  readonly index: number;
  readonly value: number;
  readonly micros: number;
  readonly text: string;
}

/** A record as helper/sync.c writes it. */
function encode({ kind, index, value, micros, text }: Raw): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(kind, 0);
  header.writeUInt32LE(index, 4);
  header.writeBigInt64LE(BigInt(value), 8);
  header.writeUInt32LE(micros, 16);
  header.writeUInt32LE(bytes.length, 20);
  return Buffer.concat([header, bytes]);
}

const u32 = fc.nat(0xffff_ffff);
const text = fc.string({ unit: 'binary', maxLength: 60 });
const raw: fc.Arbitrary<Raw> = fc
  .record({ kind: fc.integer({ min: 1, max: 7 }), index: u32, value: fc.maxSafeInteger(), micros: u32, text })
  .chain((given) =>
    given.kind === 1 ? fc.stringMatching(/^[0-9a-f]{1,16}$/).map((hash) => ({ ...given, text: hash })) : fc.constant(given),
  );

/** What the decoder should make of it. */
function meant({ kind, index, value, micros, text: words }: Raw): HelperEvent {
  const all: readonly HelperEvent[] = [
    { kind: 'hello', hash: kind === 1 ? BigInt(`0x${words}`) : 0n },
    { kind: 'created', pid: value },
    { kind: 'step', index, errno: value, micros, text: words },
    { kind: 'report', index, text: words },
    { kind: 'started' },
    { kind: 'failed', index, errno: value, text: words },
    { kind: 'exited', status: value, text: words },
  ];
  return all[kind - 1] as HelperEvent;
}

/** Cuts bytes into chunks of these lengths; what is left over is the last one. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...chunks, bytes.subarray(at)];
}

/** All events of these chunks, and the error that ended them. */
function decodeAll(chunks: readonly Buffer[]): { events: HelperEvent[]; error: unknown; partial: boolean } {
  const decoder = new EventDecoder();
  const events: HelperEvent[] = [];
  try {
    for (const chunk of chunks) events.push(...decoder.push(chunk));
    return { events, error: undefined, partial: decoder.isPartial };
  } catch (error) {
    return { events, error, partial: decoder.isPartial };
  }
}

const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 80 })), { maxLength: 200 });

test('a stream of events is the same events, however it is cut', (t) => {
  fc.assert(
    fc.property(fc.array(raw, { maxLength: 12 }), lengths, (events, at) => {
      const stream = Buffer.concat(events.map(encode));
      t.deepEqual(decodeAll(cut(stream, at)), { events: events.map(meant), error: undefined, partial: false });
    }),
    { numRuns: 1000 },
  );
});

test('a stream that ends in the middle of a record is known to', (t) => {
  fc.assert(
    fc.property(fc.array(raw, { minLength: 1, maxLength: 4 }), fc.nat(), lengths, (events, where, at) => {
      const records = events.map(encode);
      const last = records.at(-1) as Buffer;
      const stream = Buffer.concat([...records.slice(0, -1), last.subarray(0, 1 + (where % (last.length - 1)))]);
      t.deepEqual(decodeAll(cut(stream, at)), { events: events.slice(0, -1).map(meant), error: undefined, partial: true });
    }),
    { numRuns: 500 },
  );
});

/** Bytes that get past the header more often than plain noise does. */
const hostile = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      raw.map(encode),
      fc.tuple(raw, fc.nat(60), u32).map(([given, at, value]) => damaged(encode(given), at, value)),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => Buffer.concat(parts));

function damaged(bytes: Buffer, at: number, value: number): Buffer {
  if (at + 4 <= bytes.length) bytes.writeUInt32LE(value, at);
  return bytes;
}

test('any bytes in any cut are events or a bug of the helper, and nothing else', (t) => {
  fc.assert(
    fc.property(hostile, lengths, (stream, at) => {
      const whole = decodeAll([stream]);
      const pieces = decodeAll(cut(stream, at));
      for (const { events, error } of [whole, pieces]) {
        t.true(error === undefined || error instanceof BugError, String(error));
        t.true(events.every(({ kind }) => KINDS.indexOf(kind) > 0));
      }
      t.is(pieces.error === undefined, whole.error === undefined);
      if (whole.error === undefined) t.deepEqual(pieces, whole);
    }),
    { numRuns: 2000 },
  );
});

test('an announced text is refused before it is kept, so what waits is never more than one record', (t) => {
  const header = (length: number): Buffer => damaged(encode({ kind: 4, index: 0, value: 0, micros: 0, text: '' }), 20, length);
  t.true(decodeAll([header(MOST_TEXT + 1)]).error instanceof BugError);
  const decoder = new EventDecoder();
  t.deepEqual(decoder.push(header(MOST_TEXT)), []);
  for (let i = 1; i < MOST_TEXT; i++) t.is(decoder.push(Buffer.from('x')).length, 0);
  t.is(decoder.push(Buffer.from('x')).length, 1);
  t.false(decoder.isPartial);
});

test('a hash that is no number is a bug of the helper', (t) => {
  for (const words of ['', 'xyz', '0x1', '-1', '1 ', '12345678901234567']) {
    const { error } = decodeAll([encode({ kind: 1, index: 0, value: 0, micros: 0, text: words })]);
    t.true(error instanceof BugError, JSON.stringify(words));
  }
});
