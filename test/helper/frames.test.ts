// What a helper takes for frames: docs/decisions/cp.md. Neither side of a copy believes the other.
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { END, encodeFrame, FRAME, type Frame, FrameReader } from '../../src/archive/frames.js';
import { placeHere } from '../../src/copy-place.js';
import { type CopyError, Worker } from '../../src/copy-worker.js';
import { COPY } from '../../src/plan/compile-copy.js';
import { PATIENCE } from '../in-time.js';
import { scratch } from './_helper.js';

const root = process.geteuid?.() === 0 ? test : test.skip;
const none = Buffer.alloc(0);

function head(path: string, more: Partial<Frame> = {}): Buffer {
  return encodeFrame({ type: FRAME.file, mode: 0o644, uid: 0, gid: 0, mtime: 1e9, size: 0, path: Buffer.from(path), link: none, ...more });
}

/** A frame whose head has another number of 4 or 8 bytes. */
function bent(at: number, value: number | bigint, frame = head('f')): Buffer {
  const bytes = Buffer.from(frame);
  if (typeof value === 'bigint') bytes.writeBigUInt64LE(value, at);
  else bytes.writeUInt32LE(value, at);
  return bytes;
}

/** What a helper makes of these bytes in a folder: undefined when it took all, or by what name of errno(3) it refused. */
async function extract(folder: string, bytes: Buffer): Promise<string | undefined> {
  const place = placeHere(folder, true);
  const worker = new Worker(place, { kind: 'extract', path: place.path, flags: COPY.follow | COPY.real, look: false });
  worker.stdin.on('error', () => {});
  worker.proceed();
  worker.stdin.end(bytes);
  try {
    await worker.done();
    return undefined;
  } catch (error) {
    return (error as CopyError).code;
  } finally {
    await worker.end();
  }
}

/** The processes that this one has started. */
function children(): readonly string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
}

/** Holds this thread up, as a busy machine does, until a process has ended. */
function standStill(pid: string): void {
  const end = Date.now() + PATIENCE;
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) {
    if (Date.now() > end) throw new Error(`${pid} did not end`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

root('a helper that is done before it is told to begin: what it says is heard', async (t) => {
  const folder = scratch(t);
  writeFileSync(`${folder}/f`, 'content');
  const before = children();
  const place = placeHere(`${folder}/f`, true);
  const worker = new Worker(place, { kind: 'archive', path: place.path, name: '.', flags: COPY.real, look: false });
  const [pid = ''] = children().filter((each) => !before.includes(each));
  standStill(pid);
  worker.proceed();
  worker.stdout.resume();
  t.is(await worker.done(), undefined);
  await worker.end();
});

root('frames become files, folders and links', async (t) => {
  const folder = scratch(t);
  const file = head('d/f', { size: 3, mode: 0o640, mtime: 1_234_567_890 });
  const link = head('l', { type: FRAME.link, link: Buffer.from('d/f') });
  const bytes = [
    head('d', { type: FRAME.directory, mode: 0o750 }),
    file,
    'abc',
    link,
    head('h', { type: FRAME.hardLink, link: Buffer.from('d/f') }),
    END,
  ];
  t.is(await extract(folder, Buffer.concat(bytes.map((each) => Buffer.from(each)))), undefined);
  t.is(readFileSync(`${folder}/d/f`, 'utf8'), 'abc');
  t.is(readlinkSync(`${folder}/l`), 'd/f');
  const [stats, other] = [lstatSync(`${folder}/d/f`), lstatSync(`${folder}/h`)];
  t.deepEqual([stats.mode & 0o7777, stats.mtimeMs / 1000, stats.nlink, stats.ino], [0o640, 1_234_567_890, 2, other.ino]);
  t.is(lstatSync(`${folder}/l`).mtimeMs / 1000, 1e9);
  t.is(lstatSync(`${folder}/d`).mode & 0o7777, 0o750);
});

root('what is no frame is refused before anything is made', async (t) => {
  const folder = scratch(t);
  const cases: [string, string, Buffer][] = [
    ['a tar archive', 'EBADMSG', Buffer.concat([Buffer.from('name'.padEnd(512, '\0')), Buffer.alloc(1024)])],
    ['an unknown type', 'EBADMSG', bent(0, 5)],
    ['a type of many bits', 'EBADMSG', bent(0, 0x0100_0001)],
    ['an end that says more', 'EBADMSG', bent(0, 0)],
    ['a mode with more than its bits', 'EBADMSG', bent(4, 0o10_644)],
    ['a user that stands for no change', 'EINVAL', bent(8, 0xffff_ffff)],
    ['a group that stands for no change', 'EINVAL', bent(12, 0xffff_ffff)],
    ['a size below 0', 'EBADMSG', bent(24, 1n << 63n)],
    ['a folder with a size', 'EBADMSG', bent(24, 1n, head('f', { type: FRAME.directory }))],
    ['no path', 'EBADMSG', head('')],
    ['a path that is too long', 'EBADMSG', head('x'.repeat(4096))],
    ['a path that is far too long', 'EBADMSG', bent(32, 0xffff_ffff)],
    ['a NUL in a path', 'EBADMSG', head('a\0b')],
    ['a file with a link', 'EBADMSG', head('f', { link: Buffer.from('l') })],
    ['a link that is too long', 'EBADMSG', head('f', { type: FRAME.link, link: Buffer.from('x'.repeat(4096)) })],
    ['a NUL in a link', 'EBADMSG', head('f', { type: FRAME.link, link: Buffer.from('a\0b') })],
    ['a path that leads upwards', 'EINVAL', head('../f')],
    ['a path that ends upwards', 'EINVAL', head('a/..')],
    ['an absolute path', 'EINVAL', head('/f')],
    ['a path that ends in a slash', 'EINVAL', head('f/')],
    ['a path that ends in a folder itself', 'EINVAL', head('f/.')],
    ['a hard link to an absolute path', 'EINVAL', head('f', { type: FRAME.hardLink, link: Buffer.from('/etc/passwd') })],
    ['a hard link to nothing', 'EINVAL', head('f', { type: FRAME.hardLink })],
    ['a path that leads upwards on its way', 'EINVAL', head('a/../../f')],
  ];
  for (const [what, code, bytes] of cases) {
    mkdirSync(`${folder}/${what}`);
    t.is(await extract(`${folder}/${what}`, Buffer.concat([bytes, END])), code, what);
    t.deepEqual(
      readdirSync(`${folder}/${what}`).filter((name) => name !== 'a'),
      [],
      what,
    );
  }
});

root('a stream that breaks off is told from one that ends, wherever it does', async (t) => {
  const whole = Buffer.concat([head('f', { size: 4 }), Buffer.from('text'), head('l', { type: FRAME.link, link: Buffer.from('f') }), END]);
  for (const at of [0, 1, 39, 40, 41, 43, 45, 60, 85, 86, 87, 100, whole.length - 1])
    t.is(await extract(scratch(t), whole.subarray(0, at)), 'EBADMSG', `at ${at} of ${whole.length}`);
  t.is(await extract(scratch(t), Buffer.concat([whole, Buffer.from('x')])), 'EBADMSG', 'more behind the end');
  t.is(await extract(scratch(t), whole), undefined);
});

root('no link is gone through that is there or came before', async (t) => {
  const [folder, other] = [scratch(t), scratch(t)];
  symlinkSync(other, `${folder}/there`);
  const link = head('came', { type: FRAME.link, link: Buffer.from(other) });
  t.is(await extract(folder, Buffer.concat([head('there/f'), END])), 'ELOOP');
  const hard = head('hard', { type: FRAME.hardLink, link: Buffer.from('there/f') });
  t.is(await extract(folder, Buffer.concat([hard, END])), 'ELOOP');
  t.is(await extract(folder, Buffer.concat([link, head('came/f'), END])), 'ELOOP');
  t.deepEqual(readdirSync(other), []);
});

root('a helper writes what the reader of crt reads, bytes of names included', async (t) => {
  const folder = scratch(t);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/f`), Buffer.from([0xff])]), 'abc', { mode: 0o600 });
  const place = placeHere(folder, true);
  const worker = new Worker(place, { kind: 'archive', path: place.path, name: '.', flags: COPY.real, look: false });
  worker.proceed();
  const reader = new FrameReader(worker.stdout);
  const found: [number, string, number, string][] = [];
  for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
    const pieces: Buffer[] = [];
    for await (const piece of reader.content(frame.size)) pieces.push(piece);
    found.push([frame.type, frame.path.toString('latin1'), frame.mode, Buffer.concat(pieces).toString()]);
  }
  t.is(await worker.done(), undefined);
  t.deepEqual(found, [
    [FRAME.directory, '.', 0o700, ''],
    [FRAME.file, './f\xff', 0o600, 'abc'],
  ]);
});
