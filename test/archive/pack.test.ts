import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { FRAME } from '../../src/archive/frames.js';
import { packTar } from '../../src/archive/pack.js';
import { entry, frames, pack, pieces, scratch, tar } from './_archive.js';

const LONG = 'n'.repeat(150);

test('the tar of this machine reads what is packed: long names, bytes that are no text, links, modes, times', async (t) => {
  const bytes = Buffer.concat([Buffer.from('b'), Buffer.from([0xff, 0xfe])]);
  const long = Buffer.concat([Buffer.from(`d/${LONG}`), Buffer.from([0xe9])]);
  const archive = await pack([
    entry('d', { type: FRAME.directory, mode: 0o750 }),
    entry('d/f', { content: 'abc', mode: 0o1640 }),
    entry('d/block', { content: 'x'.repeat(512) }),
    entry('d/ö', { content: 'utf-8' }),
    entry(bytes, { content: 'short' }),
    entry(long, { content: 'long' }),
    entry('far', { type: FRAME.link, link: Buffer.concat([Buffer.from(LONG), Buffer.from([0xff])]) }),
    entry('near', { type: FRAME.link, link: Buffer.from('d/f') }),
    entry('hard', { type: FRAME.hardLink, link: Buffer.from('d/f') }),
  ]);
  const folder = scratch(t);
  tar(['-C', folder, '-xpf', '-'], archive);
  t.is(readFileSync(`${folder}/d/f`, 'utf8'), 'abc');
  t.is(readFileSync(`${folder}/d/block`, 'utf8'), 'x'.repeat(512));
  t.is(readFileSync(`${folder}/d/ö`, 'utf8'), 'utf-8');
  t.is(readFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytes]), 'utf8'), 'short');
  t.is(readFileSync(Buffer.concat([Buffer.from(`${folder}/`), long]), 'utf8'), 'long');
  t.is(readlinkSync(`${folder}/far`, 'latin1'), `${LONG}\xff`);
  t.is(readlinkSync(`${folder}/near`), 'd/f');
  const [stats, hard] = [lstatSync(`${folder}/d/f`), lstatSync(`${folder}/hard`)];
  t.deepEqual([stats.mode & 0o7777, stats.mtimeMs, stats.ino], [0o1640, 1e12, hard.ino]);
  t.is(lstatSync(`${folder}/d`).mode & 0o7777, 0o750);
  t.is(readdirSync(folder).length, 5);
});

test('numbers that fit no field of a header: owners, times, sizes', async (t) => {
  const archive = await pack([
    entry('ids', { uid: 0xffff_fffe, gid: 8 ** 7 }),
    entry('fits', { uid: 8 ** 7 - 1, gid: 70_000 }),
    entry('late', { mtime: 8 ** 11 }),
    entry('after-2038', { mtime: 2 ** 31 }),
    entry('early', { mtime: -86_400 }),
  ]);
  const listed = tar(['--numeric-owner', '-tvf', '-'], archive).toString();
  for (const line of [
    /4294967294\/2097152 .* ids$/m,
    /2097151\/70000 .* fits$/m,
    /2242-03-16 12:56 late$/m,
    /2038-01-19 03:14 after-2038$/m,
    /1969-12-31 00:00 early$/m,
  ])
    t.regex(listed, line);
  // 9 GB: only the header, of which tar reads the size before it finds that the rest is missing.
  const [head] = [await packTar(pieces(frames([entry('big', { size: 9e9 })]))).next()];
  t.regex(execFileSync('sh', ['-c', 'tar -tvf - 2>/dev/null || true'], { input: head.value as Buffer }).toString(), / 9000000000 /);
});

test('nothing is packed is an archive, too; frames that break off are none', async (t) => {
  t.is(tar(['-tf', '-'], await pack([])).toString(), '');
  const whole = frames([entry('f', { content: 'abc' })]);
  for (const at of [0, 10, 41, 43, 50, whole.length - 1]) {
    const read = async (): Promise<void> => {
      for await (const _ of packTar(pieces(whole.subarray(0, at))));
    };
    await t.throwsAsync(read, { name: 'BrokenFrames' }, `at ${at}`);
  }
  for (const at of [0, 27, 31, 33, 37]) {
    const bent = Buffer.from(whole);
    bent[at] = 0xff;
    const read = async (): Promise<void> => {
      for await (const _ of packTar(pieces(bent)));
    };
    await t.throwsAsync(read, { name: 'BrokenFrames' }, `byte ${at}`);
  }
});
