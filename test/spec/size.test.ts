import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { formatBytes, parseMemory, parseMemorySwap, parseSize } from '../../src/spec/size.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const MACHINE = 8 * GIB;

test('memory: a bare number is MiB, as in the seed', (t) => {
  t.is(parseMemory('50', MACHINE), 52428800);
  t.is(parseMemory('7.5', MACHINE), 7.5 * MIB);
  t.is(parseMemory('8192', MACHINE), MACHINE);
});

test('memory: a bare number from 6291456 up is bytes, as docker means it', (t) => {
  t.is(parseMemory('6291456', MACHINE), 6291456);
  t.is(parseMemory('52428800', MACHINE), 52428800);
});

test('memory: units in every spelling', (t) => {
  for (const text of ['64m', '64M', '64mb', '64MB', '64MiB', '64mib', '65536k', '65536KiB', '67108864b', '64 MiB', '0.0625g'])
    t.is(parseMemory(text, MACHINE), 64 * MIB, text);
  for (const text of ['2g', '2G', '2gb', '2GB', '2GiB', '0.001953125t']) t.is(parseMemory(text, MACHINE), 2 * GIB, text);
});

test('memory: between the two meanings it is refused, and both are shown', (t) => {
  const error = t.throws(() => parseMemory('4194304', MACHINE), { instanceOf: UserError, message: /ambiguous/ });
  t.is(error?.hint, 'write --memory 4194304m (4 TiB) or --memory 4194304b (4 MiB)');
  t.throws(() => parseMemory('8193', MACHINE), { message: /ambiguous/ });
  t.throws(() => parseMemory('6291455', MACHINE), { message: /ambiguous/ });
});

test('memory: below 6 MiB it says why', (t) => {
  for (const text of ['5', '0', '5.9', '1k', '6291455b', '0b'])
    t.throws(() => parseMemory(text, MACHINE), { instanceOf: UserError, message: /too little for a container/ }, text);
  t.is(parseMemory('6', MACHINE), 6 * MIB);
});

test('memory: what is no size is refused', (t) => {
  for (const text of [
    '',
    ' 50',
    '50 ',
    '-1',
    '-50',
    '+50',
    '5e3',
    '0x40',
    '50x',
    '50ib',
    '50constructor',
    'm',
    '.',
    '5.',
    '.5g',
    '1,5g',
    'Infinity',
    'NaN',
    '50m\n',
    '٥٠',
    '9'.repeat(1000),
  ]) {
    t.throws(() => parseMemory(text, MACHINE), { instanceOf: UserError, message: /is not a size/ }, JSON.stringify(text));
  }
});

test('memory: what a number cannot hold exactly is refused', (t) => {
  t.is(parseMemory('9007199254740991b', MACHINE), Number.MAX_SAFE_INTEGER);
  for (const text of ['9007199254740992b', '9007199254740993', '8192t', '18446744073709551616'])
    t.throws(() => parseMemory(text, MACHINE), { message: /counts exactly/ }, text);
});

test('memory-swap: as memory, and -1', (t) => {
  t.is(parseMemorySwap('-1', MACHINE), -1);
  t.is(parseMemorySwap('100', MACHINE), 100 * MIB);
  t.is(parseMemorySwap('104857600', MACHINE), 100 * MIB);
  t.throws(() => parseMemorySwap('-2', MACHINE), { instanceOf: UserError });
  t.throws(() => parseMemorySwap('0', MACHINE), { message: /--memory-swap 0/ });
});

test('size: a bare number is bytes', (t) => {
  t.is(parseSize('1000'), 1000);
  t.is(parseSize('64m'), 64 * MIB);
  t.throws(() => parseSize('0', '--storage-size'), { instanceOf: UserError, message: /--storage-size/ });
  t.throws(() => parseSize('-1'), { instanceOf: UserError });
});

test('size: every whole number of bytes is read exactly', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (bytes) => parseSize(String(bytes)) === bytes && parseSize(`${bytes}b`) === bytes,
    ),
  );
  t.pass();
});

test('size: parse after format gives the size again, to the digit that is shown', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
      const text = formatBytes(bytes);
      if (text.endsWith('PiB')) return true;
      return Math.abs(parseSize(text) - bytes) <= bytes * 0.06 && formatBytes(parseSize(text)) === text;
    }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1023 }),
      fc.integer({ min: 0, max: 4 }),
      (count, power) => parseSize(formatBytes(count * 1024 ** power)) === count * 1024 ** power,
    ),
  );
  t.pass();
});

test('bytes for people', (t) => {
  const shown = [0, 12, 1023, 1024, 1536, 52428800, 1048575, GIB - 1, 1.5 * GIB].map(formatBytes);
  t.deepEqual(shown, ['0 B', '12 B', '1023 B', '1 KiB', '1.5 KiB', '50 MiB', '1 MiB', '1 GiB', '1.5 GiB']);
});
