import test from 'ava';
import fc from 'fast-check';
import { type Piece, PieceDecoder } from '../../src/logs/pieces.js';

interface Given {
  readonly stream: 1 | 2;
  readonly millis: number;
  readonly bytes: Uint8Array;
}

/** As the monitor writes it (helper/log.c). */
function encode({ stream, millis, bytes }: { readonly stream: 0 | 1 | 2; readonly millis: number; readonly bytes: Uint8Array }): Buffer {
  const head = Buffer.alloc(16);
  head.set([0x1e, 0x63, 0x6c, stream]);
  head.writeUInt32LE(bytes.length, 4);
  head.writeBigUInt64LE(BigInt(millis) * 1_000_000n, 8);
  return Buffer.concat([head, bytes]);
}

function loss(count: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(count));
  return encode({ stream: 0, millis: 1, bytes });
}

const given = fc.record({
  stream: fc.constantFrom(1 as const, 2 as const),
  millis: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
});
/** What no piece begins in: a container that prints a piece in a piece is another matter. */
const plain = given.map((piece) => ({ ...piece, bytes: piece.bytes.map((byte) => (byte === 0x1e ? 0 : byte)) }));

function decodeIn(bytes: Buffer, cuts: readonly number[], decoder = new PieceDecoder()): Piece[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].flatMap((from, index) => decoder.push(bytes.subarray(from, [...places, bytes.length][index])));
}

const shapes = (pieces: readonly Piece[]): unknown[] =>
  pieces.map(({ stream, time, bytes }) => [stream, Math.round(time), Buffer.from(bytes).toString('hex')]);
const wanted = (pieces: readonly Given[]): unknown[] =>
  pieces.map(({ stream, millis, bytes }) => [stream === 1 ? 'stdout' : 'stderr', millis, Buffer.from(bytes).toString('hex')]);

test('whatever was said comes out as it went in, however the file is cut into reads', (t) => {
  fc.assert(
    fc.property(fc.array(given), fc.array(fc.nat(), { maxLength: 20 }), (pieces, cuts) => {
      t.deepEqual(shapes(decodeIn(Buffer.concat(pieces.map(encode)), cuts)), wanted(pieces));
    }),
  );
  t.pass();
});

test('half a piece, and rubbish, between whole ones is passed over, and the whole ones are all there', (t) => {
  fc.assert(
    fc.property(fc.array(plain), plain, fc.nat(), fc.array(plain, { minLength: 1 }), (before, half, at, after) => {
      const whole = encode(half);
      const part = whole.subarray(0, at % whole.length);
      const rubbish = Buffer.from('no piece');
      for (const between of [part, rubbish, Buffer.concat([part, rubbish])]) {
        // Without a checksum nobody can tell a piece that ends in rubbish, or that says it ends where another begins, from one that does.
        let edge = between.length;
        fc.pre([0, ...after.map((piece) => (edge += 16 + piece.bytes.length))].every((end) => end === 0 || end !== whole.length));
        fc.pre(between.length < whole.length);
        const bytes = Buffer.concat([...before.map(encode), between, ...after.map(encode)]);
        const decoder = new PieceDecoder();
        const found = [...decoder.push(bytes), ...decoder.next()];
        t.deepEqual(shapes(found), wanted([...before, ...after]));
      }
    }),
  );
  t.pass();
});

test('any bytes at all are decoded to something, in time, and pieces are never larger than what came', (t) => {
  const noise = fc.array(fc.oneof(fc.uint8Array(), fc.constant(Uint8Array.of(0x1e, 0x63, 0x6c)), given.map(encode)));
  fc.assert(
    fc.property(noise, fc.array(fc.nat()), (parts, cuts) => {
      const bytes = Buffer.concat(parts);
      const decoder = new PieceDecoder();
      const found = [...decodeIn(bytes, cuts, decoder), ...decoder.next()];
      t.true(found.reduce((sum, piece) => sum + piece.bytes.length, 0) <= bytes.length);
    }),
  );
  t.pass();
});

test('what was lost is told with the next piece, over the end of a file too, and what was lost last is known', (t) => {
  const decoder = new PieceDecoder();
  const piece = encode({ stream: 1, millis: 5, bytes: Buffer.from('x') });
  t.deepEqual(decoder.push(loss(7)), []);
  t.deepEqual(decoder.next(), []);
  t.deepEqual(
    decoder.push(Buffer.concat([piece, piece])).map(({ lost }) => lost),
    [7, 0],
  );
  decoder.push(Buffer.concat([loss(3), loss(4)]));
  t.is(decoder.lost, 7);
});
