import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../../src/errors.js';
import { helperPath } from '../../src/launch/helper-path.js';
import { type HostPath, toHostPath } from '../../src/plan/step.js';

/** A package as it is installed: its root and the helper's path. */
function install(t: ExecutionContext): { root: string; helper: HostPath } {
  const root = mkdtempSync(`${tmpdir()}/crt-package-`);
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['helper', 'src/launch', 'dist']) mkdirSync(`${root}/${folder}`, { recursive: true });
  writeFileSync(`${root}/package.json`, '{"name":"crt"}');
  writeFileSync(`${root}/helper/crt-init`, '', { mode: 0o755 });
  return { root, helper: toHostPath(`${root}/helper/crt-init`) };
}

function replace(root: string, make: (helper: string) => void): void {
  rmSync(`${root}/helper/crt-init`);
  make(`${root}/helper/crt-init`);
}

const from = (root: string, module: string): string => String(pathToFileURL(`${root}/${module}`));

test('found from the sources, from a bundle, and past another package on the way', (t) => {
  const { root, helper } = install(t);
  t.is(helperPath(from(root, 'src/launch/helper-path.ts')), helper);
  t.is(helperPath(from(root, 'dist/index.js')), helper);
  writeFileSync(`${root}/dist/package.json`, '{"type":"module"}');
  t.is(helperPath(from(root, 'dist/index.js')), helper);
  writeFileSync(`${root}/dist/package.json`, 'not JSON');
  t.is(helperPath(from(root, 'dist/index.js')), helper);
});

test('outside of a package there is none', (t) => {
  t.throws(() => helperPath('file:///nowhere/at/all.js'), { instanceOf: UserError, message: /is missing above \/nowhere\/at$/ });
});

for (const [what, spoil, message, hint] of [
  ['missing', (root) => rmSync(`${root}/helper/crt-init`), /is missing above/, 'run `make -C helper`'],
  ['a symlink', (root) => replace(root, (helper) => symlinkSync('/bin/true', helper)), /is not an executable file$/],
  ['a folder', (root) => replace(root, (helper) => mkdirSync(helper)), /is not an executable file$/],
  ['not executable', (root) => chmodSync(`${root}/helper/crt-init`, 0o644), /is not an executable file$/],
  ['writable by its group', (root) => chmodSync(`${root}/helper/crt-init`, 0o775), /can be changed by other users$/],
  ['writable by all', (root) => chmodSync(`${root}/helper/crt-init`, 0o757), /can be changed by other users$/],
  ['in a folder that is writable by all', (root) => chmodSync(`${root}/helper`, 0o777), /can be changed by other users$/],
  ['of a third user', (root) => chownSync(`${root}/helper/crt-init`, 4321, 0), /belongs to user 4321/],
] satisfies [string, (root: string) => void, RegExp, string?][]) {
  test(`refused: ${what}`, (t) => {
    const { root } = install(t);
    spoil(root);
    const error = t.throws(() => helperPath(from(root, 'dist/index.js')), { instanceOf: UserError, message });
    t.truthy(error?.hint);
    if (hint !== undefined) t.is(error?.hint, hint);
  });
}

test('a clone of the user who owns crt is fine under sudo', (t) => {
  const { root, helper } = install(t);
  for (const path of [root, `${root}/package.json`, `${root}/helper`, helper]) chownSync(path, 4321, 4321);
  t.is(helperPath(from(root, 'dist/index.js')), helper);
});
