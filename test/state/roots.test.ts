import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { UserError } from '../../src/errors.js';
import { toHostPath } from '../../src/plan/step.js';
import { ensureRoot, makeFolders } from '../../src/state/roots.js';

const folder = mkdtempSync(`${tmpdir()}/crt-roots-`);
test.after.always(() => rmSync(folder, { recursive: true }));

test('folders are made with those above them, and what is there stays', (t) => {
  makeFolders(`${folder}/a/b/c`, 0o700);
  makeFolders(`${folder}/a/b/c`, 0o755);
  for (const path of ['a', 'a/b', 'a/b/c']) t.is(statSync(`${folder}/${path}`).mode & 0o7777, 0o700);
});

test('where no folder can be made it says so, and does not try for ever as mkdir of Node does', (t) => {
  writeFileSync(`${folder}/file`, '');
  symlinkSync('/nowhere/at/all', `${folder}/link`);
  for (const path of ['/proc/self/none', '/proc/none/deep/er', `${folder}/file/below`, `${folder}/link`, `${folder}/link/below`])
    t.throws(() => ensureRoot(toHostPath(path)), { instanceOf: UserError, message: /cannot make/ }, path);
  t.throws(() => ensureRoot(toHostPath(`${folder}/file`)), { instanceOf: UserError, message: /is not a directory/ });
});
