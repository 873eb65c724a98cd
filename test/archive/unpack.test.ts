import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { FRAME } from '../../src/archive/frames.js';
import { unpackTar } from '../../src/archive/unpack.js';
import { code, ended, entry, pack, pieces, raw, record, scratch, tar, unpack } from './_archive.js';

const LONG = 'n'.repeat(150);
/** The tar of this machine puts it apart from a name that is longer with it than 100 bytes. */
const PREFIX = 'p'.repeat(97);
/** A tree with what a format may have to extend its headers for. */
function plant(folder: string): void {
  mkdirSync(`${folder}/d`);
  writeFileSync(`${folder}/d/f`, 'abc', { mode: 0o640 });
  utimesSync(`${folder}/d/f`, 1e9, 1e9);
  writeFileSync(`${folder}/d/empty`, '');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/d/b`), Buffer.from([0xff])]), 'bytes');
  linkSync(`${folder}/d/f`, `${folder}/d/hard`);
  symlinkSync('f', `${folder}/d/near`);
}

for (const format of ['v7', 'ustar', 'gnu', 'posix']) {
  test(`an archive of tar --format=${format}`, async (t) => {
    const folder = scratch(t);
    plant(folder);
    if (format === 'gnu' || format === 'posix') {
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/d/${LONG}`), Buffer.from([0xe9])]), 'long');
      symlinkSync(Buffer.concat([Buffer.from(LONG), Buffer.from([0xff])]), `${folder}/d/far`);
    }
    if (format === 'ustar') {
      mkdirSync(`${folder}/d/${PREFIX}`);
      writeFileSync(`${folder}/d/${PREFIX}/f`, 'prefix');
    }
    const owners = format === 'v7' || format === 'ustar' ? [70_000, 8 ** 7 - 1] : [0xffff_fffe, 8 ** 7];
    const words = ['--sort=name', `--format=${format}`, `--owner=:${owners[0]}`, `--group=:${owners[1]}`, '-C', folder, '-cf', '-', 'd'];
    for (const size of [1, 511, 1 << 20]) {
      const { entries, leftOut } = await unpack(tar(words), size);
      t.deepEqual(leftOut, []);
      const found = entries.map(({ type, path, link, content }) => [type, path.toString('latin1'), link.toString('latin1'), content]);
      t.deepEqual(found, [
        [FRAME.directory, 'd', '', ''],
        [FRAME.file, 'd/b\xff', '', 'bytes'],
        [FRAME.file, 'd/empty', '', ''],
        [FRAME.file, 'd/f', '', 'abc'],
        ...(format === 'gnu' || format === 'posix' ? [[FRAME.link, 'd/far', `${LONG}\xff`, '']] : []),
        [FRAME.hardLink, 'd/hard', 'd/f', ''],
        [FRAME.link, 'd/near', 'f', ''],
        ...(format === 'gnu' || format === 'posix' ? [[FRAME.file, `d/${LONG}\xe9`, '', 'long']] : []),
        ...(format === 'ustar'
          ? [
              [FRAME.directory, `d/${PREFIX}`, '', ''],
              [FRAME.file, `d/${PREFIX}/f`, '', 'prefix'],
            ]
          : []),
      ]);
      for (const each of entries) t.deepEqual([each.uid, each.gid], owners);
      const file = entries.find(({ path }) => path.toString() === 'd/f');
      t.like(file, { mode: 0o640, mtime: 1e9, size: 3 });
    }
  });
}

test('what is packed is unpacked', async (t) => {
  const part = fc
    .uint8Array({ minLength: 1, maxLength: 60 })
    .map((array) => Buffer.from(array.map((byte) => (byte === 0x2f ? 1 : byte || 1))).toString('latin1'))
    .filter((text) => text !== '.' && text !== '..');
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          path: fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => Buffer.from(parts.join('/'), 'latin1')),
          content: fc.string({ maxLength: 1100 }).map((text) => Buffer.from(text).toString('latin1')),
          uid: fc.nat({ max: 0xffff_fffe }),
          gid: fc.nat({ max: 0xffff_fffe }),
          mode: fc.nat({ max: 0o7777 }),
          mtime: fc.integer({ min: -(2 ** 31), max: 2 ** 40 }),
        }),
        { maxLength: 5 },
      ),
      async (parts) => {
        const given = parts.map(({ path, ...more }) => entry(path, more));
        t.deepEqual((await unpack(await pack(given))).entries, given);
      },
    ),
    { numRuns: 150 },
  );
});

test('names are below a folder, however they are written; those that lead upwards are refused', async (t) => {
  const cases = [
    ['f', 'f'],
    ['/f', 'f'],
    ['//d//f', 'd/f'],
    ['./d/./f', 'd/f'],
    ['d/.', 'd'],
    ['d/', 'd'],
    ['./', '.'],
    ['/', '.'],
    ['.../..f.', '.../..f.'],
  ] as const;
  for (const [given, expected] of cases) {
    const { entries } = await unpack(
      ended(
        raw(given, '5'),
        raw('hard', '1', '', (header) => void header.write(given, 157)),
      ),
    );
    t.deepEqual(
      entries.map(({ path, link }) => [String(path), String(link)]),
      [
        [expected, ''],
        ['hard', expected],
      ],
    );
  }
  for (const given of ['..', '../f', '/d/../../f', 'd/../f', 'd/..'])
    for (const input of [raw(given), raw('hard', '1', '', (header) => void header.write(given, 157))])
      t.is(await code(ended(input)), 'EINVAL', given);
  // What a link leads to is as it is.
  const [link] = (await unpack(ended(raw('l', '2', '', (header) => void header.write('.//d/../f/', 157))))).entries;
  t.is(String(link?.link), './/d/../f/');
});

test('sizes beyond 8 GB, as a pax header and as GNU writes them', async (t) => {
  const big = (header: Buffer): void => {
    header.fill(0, 124, 136).writeUInt8(0x80, 124);
    header.writeBigUInt64BE(9_000_000_000n, 128);
  };
  for (const archive of [Buffer.concat([raw('x', 'x', record('size', '9000000000')), raw('f')]), raw('f', '0', '', big)]) {
    const frames = unpackTar(pieces(archive), () => {});
    const { value } = await frames.next();
    t.is((value as Buffer).readBigUInt64LE(24), 9_000_000_000n);
    await t.throwsAsync(
      async () => {
        for await (const _ of frames);
      },
      { message: /EBADMSG/ },
    );
  }
});

test('a sparse file is refused in words, as tar --sparse makes it', async (t) => {
  const folder = scratch(t);
  writeFileSync(`${folder}/s`, 'begin');
  truncateSync(`${folder}/s`, 1 << 20);
  for (const version of ['0.0', '0.1', '1.0']) {
    const archive = tar(['-C', folder, '--sparse', '--format=posix', `--sparse-version=${version}`, '-cf', '-', 's']);
    t.is(await code(archive), 'EOPNOTSUPP', version);
  }
});

test('what is no file, folder or link is left out and counted, with its content', async (t) => {
  const folder = scratch(t);
  execFileSync('mkfifo', [`${folder}/pipe`]);
  writeFileSync(`${folder}/z`, 'z');
  const archive = tar(['-C', folder, '-V', 'label', '--format=gnu', '-cf', '-', 'pipe', 'z']);
  const { entries, leftOut } = await unpack(archive);
  t.deepEqual(leftOut, ['label', 'pipe']);
  t.deepEqual(
    entries.map(({ content }) => content),
    ['z'],
  );
  const odd = ended(raw('odd', 'Q', 'x'.repeat(700)), raw('dev', '3'), raw('con', '7', 'file'));
  t.deepEqual((await unpack(odd)).leftOut, ['odd', 'dev']);
  t.deepEqual(
    (await unpack(odd)).entries.map(({ content }) => content),
    ['file'],
  );
});

test('of a big file little is in memory: who does not read stops the writer', async (t) => {
  const size = 1 << 28;
  let pulled = 0;
  async function* source(): AsyncGenerator<Buffer> {
    yield raw('big', '0', '', (header) => void header.write(size.toString(8).padStart(11, '0'), 124));
    for (const piece = Buffer.alloc(65_536); pulled < size; pulled += piece.length) yield piece;
    yield Buffer.alloc(1024);
  }
  const frames = unpackTar(source(), () => {});
  await frames.next();
  await frames.next();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.true(pulled < 1 << 20, `${pulled} bytes pulled`);
  let got = 0;
  for await (const piece of frames) got += piece.length;
  t.true(got > size - (1 << 18) && pulled === size);
});

test('who stops early stops the source, and an error of the source comes out as it is', async (t) => {
  const archive = await pack([entry('f', { content: 'x'.repeat(1 << 20) })]);
  let closed = false;
  async function* source(fault?: Error): AsyncGenerator<Buffer> {
    try {
      yield* pieces(archive.subarray(0, 1 << 19), 4096);
      if (fault) throw fault;
    } finally {
      closed = true;
    }
  }
  for await (const _ of unpackTar(source(), () => {})) break;
  for (let turn = 0; turn < 50 && !closed; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.true(closed);
  const fault = Object.assign(new Error('read'), { code: 'EIO' });
  await t.throwsAsync(
    async () => {
      for await (const _ of unpackTar(source(fault), () => {}));
    },
    { is: fault },
  );
});
