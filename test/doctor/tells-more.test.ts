import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { smallRootfs } from '../e2e/small-rootfs.js';
import { box, crt, e2e, folder } from '../e2e/support.js';
import { look } from './around.js';
import { finding } from './report.js';

const ASKED: readonly (readonly string[])[] = [
  ['--ulimit', 'nofile=99999999999'],
  ['--cpuset-cpus', '77'],
  ['-u', 'nobodyx'],
  ['-v', '/etc/hostname:/etc'],
  ['-v', '/tmp:/etc/passwd'],
  ['-w', '/etc/passwd'],
  ['--tmpfs', '/etc/passwd'],
];
for (const flags of ASKED) {
  e2e(`${flags.join(' ')}: no check tells more of what the caller asked for`, async (t) => {
    const { code, stderr } = await crt(t, ['run', box(t), '--rootfs', await smallRootfs(t), ...flags, '--', 'ls']);
    t.is(code, 125, stderr);
    t.notRegex(stderr, /tells more/);
  });
}

e2e('a rootfs that was named is named to the check', async (t) => {
  const rootfs = `${await folder(t)}/it's`;
  cpSync(await smallRootfs(t), rootfs, { recursive: true });
  chmodSync(rootfs, 0o777);
  const { stderr } = await crt(t, ['run', box(t), '--rootfs', rootfs, '--', 'ls']);
  t.true(stderr.includes(` doctor rootfs --rootfs '${rootfs.replace("'", `'\\''`)}'\n`), stderr);
});

e2e('a shell without its ELF interpreter: the check that is named tells it', async (t) => {
  const rootfs = await smallRootfs(t);
  for (const file of readdirSync(rootfs, { recursive: true }) as string[]) if (/\/ld-[^/]*\.so/.test(file)) rmSync(`${rootfs}/${file}`);
  const { code, stderr } = await crt(t, ['run', box(t), '--rootfs', rootfs]);
  t.is(code, 127, stderr);
  t.true(stderr.includes(` doctor container --rootfs ${rootfs}\n`), stderr);
  const { observed, fix } = finding(await look([], ['container'], { CRT_ROOTFS: rootfs }), 'container');
  t.regex(observed, /^step \d+ \(exec .*its interpreter is missing$/);
  t.regex(fix?.advice ?? '', /readelf -l$/);
  const named = await crt(t, ['run', box(t), '--rootfs', rootfs, '--', 'ls']);
  t.notRegex(named.stderr, /tells more/);
});
