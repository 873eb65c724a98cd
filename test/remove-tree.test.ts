import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import test from 'ava';
import { UserError } from '../src/errors.js';
import { toHostPath } from '../src/plan/step.js';
import { removeTree } from '../src/remove-tree.js';
import { host } from './e2e/support.js';
import { scratch } from './helper/_helper.js';

/** Mounting needs root. */
const rooted = host.uid === 0 ? test : test.skip;

test('a tree of any depth goes', (t) => {
  const folder = scratch(t);
  const back = process.cwd();
  try {
    process.chdir(folder);
    // Deeper than any path can say.
    for (let depth = 0; depth < 3000; depth++) {
      mkdirSync('d');
      writeFileSync('file', '');
      process.chdir('d');
    }
  } finally {
    process.chdir(back);
  }
  t.true(removeTree(toHostPath(folder)));
  t.false(existsSync(folder));
});

test('a wide tree with hostile names goes', (t) => {
  const folder = scratch(t);
  for (let index = 0; index < 400; index++) {
    mkdirSync(`${folder}/${index}/\n/-rf`, { recursive: true });
    writeFileSync(`${folder}/${index}/file`, '');
  }
  // No UTF-8, so that paths do not say it.
  const strange = Buffer.concat([Buffer.from(`${folder}/x`), Buffer.from([0xff, 0xfe])]);
  mkdirSync(strange);
  writeFileSync(Buffer.concat([strange, Buffer.from('/file')]), '');
  // The names that it gives itself: full, empty, a file, a link.
  mkdirSync(`${folder}/.crt-removed-0/a/b`, { recursive: true });
  mkdirSync(`${folder}/.crt-removed-1`);
  writeFileSync(`${folder}/.crt-removed-2`, '');
  symlinkSync('/', `${folder}/.crt-removed-3`);
  mkdirSync(`${folder}/x/.crt-removed-4/y/z`, { recursive: true });
  t.true(removeTree(toHostPath(folder)));
  t.false(existsSync(folder));
});

test('no link is followed', (t) => {
  const [folder, victim] = [scratch(t), scratch(t)];
  writeFileSync(`${victim}/kept`, 'kept');
  mkdirSync(`${folder}/tree/sub`, { recursive: true });
  symlinkSync(victim, `${folder}/tree/out`);
  symlinkSync(victim, `${folder}/tree/sub/out`);
  symlinkSync('..', `${folder}/tree/sub/up`);
  symlinkSync(victim, Buffer.concat([Buffer.from(`${folder}/tree/sub/`), Buffer.from([0xff])]));
  symlinkSync(victim, `${folder}/link`);
  t.throws(() => removeTree(toHostPath(`${folder}/link`)), { instanceOf: UserError, message: /not a directory/ });
  t.true(removeTree(toHostPath(`${folder}/tree`)));
  t.is(readFileSync(`${victim}/kept`, 'utf8'), 'kept');
  t.false(existsSync(`${folder}/tree`));
});

for (const [what, mount, at, way] of [
  ['a file system in it', 'mount -t tmpfs none "$1"', 'tree/sub/mounted', 'tree'],
  ['a folder of the same file system in it', 'mount --bind "$2" "$1"', 'tree/sub/mounted', 'tree'],
  ['a file system on it', 'mount -t tmpfs none "$1"', 'tree', 'tree'],
  ['one that is reached through a link', 'mount --bind "$2" "$1"', 'tree/sub/mounted', 'link/tree'],
  ['one that is reached by a path with two slashes', 'mount --bind "$2" "$1"', 'tree/sub/mounted', '/tree'],
] as const) {
  rooted(`what is mounted keeps its files, and all stays whole: ${what}`, (t) => {
    const [folder, victim] = [scratch(t), scratch(t)];
    mkdirSync(`${folder}/tree/sub/mounted`, { recursive: true });
    writeFileSync(`${folder}/tree/file`, '');
    symlinkSync('.', `${folder}/link`);
    const program = `import { removeTree } from '${new URL('../src/remove-tree.ts', import.meta.url).href}';
      try { removeTree('${folder}/${way}') } catch (error) { console.log(error.message, error.hint) }`;
    const script = `${mount} && touch "$1/kept" && "$3" --import=tsx --input-type=module -e "$4"; ls "$1"`;
    const words = ['-m', 'sh', '-c', script, 'sh', `${folder}/${at}`, victim, process.execPath, program];
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
    t.is(stderr, '');
    t.regex(
      stdout,
      new RegExp(`^will not remove \\S+/tree: \\w+ is mounted (in|on) it, whose files would go too umount \\S+/${at}\nkept\n$`),
    );
    t.true(existsSync(`${folder}/tree/file`));
  });
}

rooted('what cannot be removed is told in words, with what to type', (t) => {
  const folder = scratch(t);
  mkdirSync(`${folder}/tree/sub`, { recursive: true });
  writeFileSync(`${folder}/tree/sub/file`, '');
  if (spawnSync('chattr', ['+i', `${folder}/tree/sub`]).status !== 0) return t.pass('no file system for it');
  try {
    const error = t.throws(() => removeTree(toHostPath(`${folder}/tree`)), { instanceOf: UserError });
    t.regex(error?.message ?? '', /^cannot remove \S+\/tree: not permitted, not even to root$/);
    t.regex(error?.hint ?? '', /lsattr/);
  } finally {
    spawnSync('chattr', ['-R', '-i', folder]);
  }
});

test('of nothing it says so, and a file is none', (t) => {
  const folder = scratch(t);
  t.false(removeTree(toHostPath(`${folder}/missing`)));
  writeFileSync(`${folder}/file`, '');
  t.throws(() => removeTree(toHostPath(`${folder}/file`)), { instanceOf: UserError });
  t.true(lstatSync(`${folder}/file`).isFile());
});
