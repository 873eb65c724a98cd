import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../src/errors.js';
import { openFolder } from '../src/folder.js';
import { compareLayers } from '../src/layer-changes.js';
import { scratch } from './helper/_helper.js';

const PAST = new Date('2020-01-01T00:00:00Z');
const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** Opaque is what is called so. */
const verbs = { opaque: (folders: readonly number[]) => folders.map((fd) => readlinkSync(`/proc/self/fd/${fd}`).endsWith('/opaque')) };

/** `KIND PATH` each, sorted; `T` is too deep. */
function changes(upper: string, lower: string, shift = 0): string[] {
  const { kinds, tooDeep } = compareLayers({ upper, lower, shift }, verbs);
  const records = [...kinds].map(([path, kind]) => `${kind} ${path}`);
  return [...records, ...tooDeep.map((path) => `T ${path}`)].sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1));
}

/** Folders in each other. */
function dig(top: string, depth: number): void {
  const back = process.cwd();
  try {
    process.chdir(top);
    for (let at = 0; at < depth; at++) {
      mkdirSync('d');
      process.chdir('d');
    }
  } finally {
    process.chdir(back);
  }
}

/** A file system that says no types of its entries; undefined where none can be made. */
function withoutTypes(t: ExecutionContext): string | undefined {
  const folder = scratch(t);
  mkdirSync(`${folder}/top`);
  const image = `${folder}/image`;
  const isMounted = [
    ['truncate', '-s', '8M', image],
    ['mkfs.ext4', '-q', '-O', '^filetype', image],
    ['mount', '-o', 'loop', image, `${folder}/top`],
  ].every(([program = '', ...words]) => spawnSync(program, words).status === 0);
  if (!isMounted) return undefined;
  t.teardown(() => spawnSync('umount', ['-l', `${folder}/top`]));
  return `${folder}/top`;
}

asRoot('names of any bytes on a file system without types of entries (needs mkfs.ext4 and a loop device)', (t) => {
  const lower = withoutTypes(t);
  if (lower === undefined) {
    t.log('not run: mkfs.ext4 or a loop device is missing');
    t.pass();
    return;
  }
  const upper = scratch(t);
  const names = ['plain', 'é', '\xff\xfe', 'a\nb', 'z'].map((name) => Buffer.from(name, 'latin1'));
  for (const name of names) {
    mkdirSync(Buffer.concat([Buffer.from(`${lower}/`), name]));
    writeFileSync(Buffer.concat([Buffer.from(`${lower}/`), name, Buffer.from('/file')]), '');
  }
  spawnSync('mkdir', [`${lower}/opaque`]);
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${lower}/opaque/`), name]), 'x');
  mkdirSync(`${upper}/opaque`);
  const deleted = names.map((name) => `D /opaque/${name.toString('latin1')}`).sort();
  t.deepEqual(
    changes(upper, lower).filter((each) => each.startsWith('D')),
    deleted,
  );
});

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
  const expected = ['C /file', 'C /mode', 'a /new', 'a /new/empty', 'A /new/full', 'c /same', 'm /time', 'C /type'];
  t.deepEqual(changes(upper, lower), expected);
  // The rootfs may be named by a link.
  const link = `${scratch(t)}/link`;
  symlinkSync(lower, link);
  t.deepEqual(changes(upper, link), expected);
});

test('times differ by a nanosecond', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  const touch = (folder: string, nanos: string): void => {
    mkdirSync(folder);
    spawnSync('touch', ['-d', `@1577836800.${nanos}`, folder]);
  };
  touch(`${upper}/a`, '000000001');
  touch(`${lower}/a`, '000000002');
  touch(`${upper}/b`, '123456789');
  touch(`${lower}/b`, '123456789');
  t.deepEqual(changes(upper, lower), ['m /a', 'c /b']);
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

test('what an opaque folder hides is deleted, in folders below it, too; what another one has is not', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  for (const top of ['opaque', 'plain', 'new/opaque']) {
    mkdirSync(`${upper}/${top}/both/opaque`, { recursive: true });
    if (top === 'new/opaque') continue;
    mkdirSync(`${lower}/${top}/both/opaque/hidden`, { recursive: true });
    writeFileSync(`${lower}/${top}/both/file`, 'x');
    mkdirSync(`${lower}/${top}/whole/sub`, { recursive: true });
    mkdirSync(`${lower}/${top}/type`);
    writeFileSync(`${upper}/${top}/type`, 'x');
  }
  t.deepEqual(
    changes(upper, lower).filter((record) => record.startsWith('D')),
    ['D /opaque/both/file', 'D /opaque/both/opaque/hidden', 'D /opaque/whole', 'D /plain/both/opaque/hidden'],
  );
});

test('more folders than are asked about at once', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  for (let index = 0; index < 350; index++) {
    const path = `${index % 7}/${index}${index % 3 === 0 ? '/opaque' : ''}`;
    mkdirSync(`${upper}/${path}`, { recursive: true });
    mkdirSync(`${lower}/${path}/in`, { recursive: true });
  }
  const deleted = changes(upper, lower).filter((record) => record.startsWith('D'));
  t.is(deleted.length, 117);
  t.true(deleted.every((record) => record.endsWith('/opaque/in')));
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
  t.throws(() => changes(`${victim}/link`, lower), { instanceOf: UserError });
});

test('a folder that is gone, or a link or file by the time that it is entered, is none; a held one stays itself', (t) => {
  const [top, victim] = [scratch(t), scratch(t)];
  writeFileSync(`${victim}/secret`, 'x');
  for (const name of ['held', 'gone', 'link', 'file']) mkdirSync(`${top}/${name}`);
  writeFileSync(`${top}/held/own`, '');
  const folder = openFolder(top);
  t.teardown(() => folder.close());
  const held = folder.enter('held');
  t.teardown(() => held?.close());
  for (const name of ['gone', 'link', 'file']) t.is(folder.stat(name)?.isDirectory(), true);
  renameSync(`${top}/held`, `${top}/elsewhere`);
  for (const name of ['gone', 'link', 'file']) rmSync(`${top}/${name}`, { recursive: true });
  for (const name of ['held', 'link']) symlinkSync(victim, `${top}/${name}`);
  writeFileSync(`${top}/file`, '');
  for (const name of ['gone', 'link', 'file', 'held']) t.is(folder.enter(name), undefined, name);
  t.is(folder.stat('gone'), undefined);
  t.true(folder.stat('link')?.isSymbolicLink());
  t.deepEqual([...(held?.names() ?? [])], ['own']);
  rmSync(`${top}/elsewhere`, { recursive: true });
  t.deepEqual([...(held?.names() ?? [])], []);
});

for (const [what, mount] of [
  ['another file system', 'mount -t tmpfs none "$1"'],
  ['a folder of the same', 'mount --bind "$2" "$1"'],
] as const) {
  asRoot(`what is mounted in a layer, or below it, is not entered: ${what}`, (t) => {
    const [upper, lower, victim] = [scratch(t), scratch(t), scratch(t)];
    for (const root of [upper, lower]) mkdirSync(`${root}/sub/mounted`, { recursive: true });
    const program = `import { compareLayers } from '${new URL('../src/layer-changes.ts', import.meta.url).href}';
      const { kinds } = compareLayers({ upper: '${upper}', lower: '${lower}', shift: 0 }, { opaque: (folders) => folders.map(() => true) });
      console.log([...kinds.keys()].join())`;
    const script = `${mount} && touch "$1/kept" "$4" && "$3" --import=tsx --input-type=module -e "$5"`;
    const look = (at: string): string => {
      const words = ['-m', 'sh', '-c', script, 'sh', `${at}/sub/mounted`, victim, process.execPath, `${upper}/sub/seen`, program];
      const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
      t.is(stderr, '');
      return stdout.trim().split(',').sort().join();
    };
    for (const at of [upper, lower]) t.is(look(at), '/sub,/sub/mounted,/sub/seen');
  });
}

test('names that are not text, and folders deeper than the limit', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  for (const last of [0xff, 0xfe]) writeFileSync(Buffer.concat([Buffer.from(`${upper}/`), Buffer.from([0x0a, last])]), 'x');
  dig(upper, 300);
  const found = changes(upper, lower);
  t.deepEqual(found.slice(0, 2), ['A /\n\xfe', 'A /\n\xff']);
  t.is(found.filter((record) => record.startsWith('a')).length, 256);
  t.deepEqual(
    found.filter((record) => record.startsWith('T')),
    [`T ${'/d'.repeat(256)}`],
  );
  dig(lower, 300);
  t.is(changes(upper, lower).filter((record) => /^[cm]/.test(record)).length, 256);
});

test('no descriptor is left open, at whatever point it ends; more than can be listed, or takes too long, is an error', (t) => {
  const [upper, lower] = [scratch(t), scratch(t)];
  for (const root of [upper, lower]) mkdirSync(`${root}/a/b/c/opaque`, { recursive: true });
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  const layers = { upper, lower, shift: 0 };
  t.is(compareLayers(layers, verbs).kinds.size, 4);
  const asked = (): never => {
    throw new UserError('the helper');
  };
  t.throws(() => compareLayers(layers, { opaque: asked }), { instanceOf: UserError, message: 'the helper' });
  const limits = { bytes: 1000, seconds: 60 };
  t.notThrows(() => compareLayers(layers, verbs, limits));
  t.throws(() => compareLayers(layers, verbs, { ...limits, bytes: 200 }), { instanceOf: UserError, message: /more changes than can be/ });
  t.throws(() => compareLayers(layers, verbs, { ...limits, seconds: 0 }), { instanceOf: UserError, message: /was not read in 0 seconds/ });
  for (const bad of [
    { ...layers, upper: `${upper}/missing` },
    { ...layers, lower: `${lower}/missing` },
  ])
    t.throws(() => compareLayers(bad, verbs), { instanceOf: UserError, message: /^cannot compare .*missing/ });
  t.is(open(), before);
});
