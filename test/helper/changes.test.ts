import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { PATIENCE } from '../in-time.js';
import { callHelper, HELPER, scratch } from './_helper.js';

const PAST = new Date('2020-01-01T00:00:00Z');

/** The records, `KIND PATH`, sorted. */
function changes(upper: string, lower: string, shift = 0): string[] {
  const { status, stdout, stderr } = spawnSync(HELPER, ['changes', upper, lower, String(shift)], { encoding: 'latin1', timeout: PATIENCE });
  if (status !== 0) throw new Error(stderr);
  const records = stdout.split('\0').slice(0, -1);
  return records.map((record) => `${record.slice(0, 1)} ${record.slice(1)}`).sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1));
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;

test('kinds: added, empty, changed, other time, same', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  for (const folder of ['same', 'time', 'mode', 'new', 'type']) mkdirSync(`${upper}/${folder}`);
  for (const folder of ['same', 'time', 'mode']) mkdirSync(`${lower}/${folder}`);
  for (const file of ['type', 'file', 'untouched']) writeFileSync(`${lower}/${file}`, 'old');
  writeFileSync(`${upper}/file`, 'old');
  writeFileSync(`${upper}/new/full`, 'x');
  writeFileSync(`${upper}/new/empty`, '');
  chmodSync(`${upper}/mode`, 0o700);
  for (const root of [upper, lower]) utimesSync(`${root}/same`, PAST, PAST);
  utimesSync(`${lower}/time`, PAST, PAST);
  t.deepEqual(changes(upper, lower), ['C /file', 'C /mode', 'a /new', 'a /new/empty', 'A /new/full', 'c /same', 'm /time', 'C /type']);
});

asRoot('a whiteout deletes what is below, and nothing else; owners are compared by the shift', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  mkdirSync(`${lower}/gone`);
  spawnSync('mknod', [`${upper}/gone`, 'c', '0', '0']);
  spawnSync('mknod', [`${upper}/never`, 'c', '0', '0']);
  for (const [folder, owner] of [
    ['mine', 1000],
    ['other', 1001],
  ] as const) {
    mkdirSync(`${upper}/${folder}`);
    mkdirSync(`${lower}/${folder}`);
    chownSync(`${upper}/${folder}`, owner, 1000);
    for (const root of [upper, lower]) utimesSync(`${root}/${folder}`, PAST, PAST);
  }
  t.deepEqual(changes(upper, lower, 1000), ['D /gone', 'c /mine', 'C /other']);
});

test('no link is followed, above or below', (t) => {
  const [upper, lower, victim] = [scratch(t), scratch(t), scratch(t)];
  writeFileSync(`${victim}/secret`, 'x');
  symlinkSync(victim, `${upper}/out`);
  // The container put a folder where the root file system has a link: what the link leads to does not count.
  mkdirSync(`${upper}/lib`);
  writeFileSync(`${upper}/lib/secret`, 'y');
  symlinkSync(victim, `${lower}/lib`);
  t.deepEqual(changes(upper, lower), ['C /lib', 'A /lib/secret', 'A /out']);
  symlinkSync(upper, `${victim}/link`);
  t.not(callHelper('changes', `${victim}/link`, lower, '0').status, 0);
});

test('names that are not text, and folders deeper than the limit', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  writeFileSync(Buffer.concat([Buffer.from(`${upper}/`), Buffer.from([0x0a, 0xff])]), 'x');
  const back = process.cwd();
  try {
    process.chdir(upper);
    for (let depth = 0; depth < 300; depth++) {
      mkdirSync('d');
      process.chdir('d');
    }
  } finally {
    process.chdir(back);
  }
  const found = changes(upper, lower);
  t.true(found.includes('A /\n\xff'));
  t.deepEqual(
    found.filter((record) => record.startsWith('T')),
    [`T ${'/d'.repeat(256)}`],
  );
});

test('bad words', (t) => {
  const folder = scratch(t);
  for (const words of [
    [],
    [folder],
    [folder, folder],
    [folder, folder, 'x'],
    [folder, `${folder}/missing`, '0'],
    [`${folder}/missing`, folder, '0'],
  ])
    t.is(callHelper('changes', ...words).status, 1, words.join(' '));
  t.deepEqual(readdirSync(folder), []);
});
