import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { FRAME } from '../../src/archive/frames.js';
import { bytes, code, ended, entry, pack, raw, record, unpack } from './_archive.js';

const LONG = 'n'.repeat(150);

test('names of pax headers count once, and for all entries nothing', async (t) => {
  const archive = ended(
    raw('g', 'g', record('path', 'all')),
    raw('x', 'x', record('path', 'one') + record('comment', 'a=b\nc')),
    raw('f'),
    raw('g2'),
  );
  t.deepEqual(
    (await unpack(archive)).entries.map(({ path }) => path.toString()),
    ['one', 'g2'],
  );
});

test('a folder, a link and a device have no content, whatever they say; a file that ends in a slash is a folder', async (t) => {
  const says = (header: Buffer): void => void header.write('00000001000', 124);
  const archive = ended(
    raw('d', '5', '', says),
    raw('l', '2', '', (header) => says(header) ?? void header.write('to', 157)),
    raw('o/', '\0'),
    raw('f', '0', 'x'),
  );
  const { entries } = await unpack(archive);
  t.deepEqual(
    entries.map(({ type, content }) => [type, content]),
    [
      [FRAME.directory, ''],
      [FRAME.link, ''],
      [FRAME.directory, ''],
      [FRAME.file, 'x'],
    ],
  );
});

test('a record without a value says nothing; one of 64 KiB is no matter', async (t) => {
  const attributes = record('SCHILY.xattr.user.a', 'x'.repeat(65_536));
  const archive = ended(raw('x', 'x', record('path', '') + record('size', '') + attributes), raw('f', '0', 'abc'));
  t.deepEqual(
    (await unpack(archive)).entries.map(({ path, content }) => [path.toString(), content]),
    [['f', 'abc']],
  );
});

test('what is behind the end is not looked at', async (t) => {
  const archive = await pack([entry('f', { content: 'abc' })]);
  for (const more of [bytes('garbage'), Buffer.alloc(2048, 0x41), archive, Buffer.alloc(1 << 20)])
    for (const size of [512, 777, 1 << 21]) t.is((await unpack(Buffer.concat([archive, more]), size)).entries.length, 1);
});

test('what is no archive, or not all of one, is refused', async (t) => {
  const archive = await pack([entry('f', { content: 'abc' }), entry(LONG, { content: 'd'.repeat(600) })]);
  const end = archive.length - 1024;
  for (let at = 0; at <= end; at += at % 512 === 0 ? 100 : 512 - (at % 512))
    t.is(await code(archive.subarray(0, at)), 'EBADMSG', `at ${at}`);
  t.is(await code(archive.subarray(0, end + 512)), 'taken');
  for (const input of [bytes('no archive'), Buffer.alloc(4096, 0x41), gzipSync(archive), Buffer.alloc(511)])
    t.is(await code(input), 'EBADMSG');
  const bad = Buffer.from(archive);
  bad[0] = 0x67;
  t.is(await code(bad), 'EBADMSG');
});

test('headers that lie are refused, and nothing is kept for them', async (t) => {
  const huge =
    (at: number, first: number): ((header: Buffer) => void) =>
    (header) =>
      void header.fill(0xff, at, at + 8).writeUInt8(first, at);
  const cases: [string, Buffer][] = [
    ['EBADMSG', raw('x', 'x', '99 path=a\n')],
    ['EBADMSG', raw('x', 'x', '-1 path=a\n')],
    ['EBADMSG', raw('x', 'x', 'path\n')],
    ['EBADMSG', raw('x', 'x', '7 path\n')],
    ['EBADMSG', raw('x', 'x', '9 path=a\n9 path=b')],
    ['EBADMSG', Buffer.concat([raw('x', 'x', record('uid', '-1')), raw('f')])],
    ['EBADMSG', Buffer.concat([raw('x', 'x', record('size', '1e3')), raw('f')])],
    ['EBADMSG', Buffer.concat([raw('x', 'x', record('path', 'a\0b')), raw('f')])],
    ['EBADMSG', Buffer.concat([raw('x', 'x', record('mtime', 'now')), raw('f')])],
    ['EINVAL', Buffer.concat([raw('x', 'x', record('gid', '4294967295')), raw('f')])],
    ['EINVAL', raw('f', '0', '', (header) => void header.fill(0, 108, 116).write('\x80\0\0\x01', 108, 'latin1'))],
    ['EINVAL', raw('')],
    ['ENAMETOOLONG', Buffer.concat([raw('x', 'x', record('path', 'x'.repeat(4096))), raw('f')])],
    ['ENAMETOOLONG', Buffer.concat([raw('L', 'L', 'x'.repeat(4096)), raw('f')])],
    ['ENAMETOOLONG', Buffer.concat([raw('K', 'K', 'x'.repeat(4096)), raw('f', '2')])],
    ['EBADMSG', raw('size', '0', '', (header) => void header.fill(0xff, 124, 136))],
    ['EBADMSG', raw('size', '0', '', huge(124, 0x80))],
    ['EBADMSG', raw('uid', '0', '', (header) => void header.fill(0xff, 108, 116))],
    ['EBADMSG', raw('uid', '0', '', huge(108, 0x80))],
    ['EBADMSG', raw('x', 'x', '', (header) => void header.fill(0xff, 124, 136))],
    ['EBADMSG', raw('x', 'x', '', (header) => void header.write('zzzzzzzzzzz', 124))],
    ['E2BIG', raw('L', 'L', '', (header) => void header.write('00077777777', 124))],
  ];
  for (const [why, archive] of cases)
    t.is(await code(ended(archive, Buffer.alloc(1 << 16))), why, archive.toString('latin1', 0, 600).replaceAll('\0', ''));
});

test('bytes that are changed at random are taken or refused, and never waited for', async (t) => {
  const archive = await pack([
    entry('f', { content: 'abc' }),
    entry(LONG, { uid: 8 ** 8 }),
    entry('l', { type: FRAME.link, link: bytes(LONG) }),
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: archive.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const bent = Buffer.from(archive);
        for (const [at, value] of changes) bent[at] = value;
        // The sums made right, or nothing would be looked at.
        for (let block = 0; block < bent.length; block += 512) {
          if (bent.toString('latin1', block + 257, block + 262) !== 'ustar') continue;
          bent.fill(' ', block + 148, block + 156);
          const sum = bent.subarray(block, block + 512).reduce((all, byte) => all + byte, 0);
          bent.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148);
        }
        t.true(['taken', 'EBADMSG', 'EINVAL', 'ENAMETOOLONG', 'EOPNOTSUPP'].includes(await code(bent)));
      },
    ),
    { numRuns: 300 },
  );
});
