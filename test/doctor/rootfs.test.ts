import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ExecutionContext } from 'ava';
import { crt } from '../cli/crt.js';
import { smallRootfs } from '../e2e/small-rootfs.js';
import { contain, e2e, folder } from '../e2e/support.js';
import { PATIENCE } from '../in-time.js';
import { type Broken, broken, type Question, whole } from './broken.js';
import { checkOf, complaints, fixOf } from './report.js';
import { crtDoctor } from './support.js';

function taking(rootfs: string): Question {
  return { only: ['rootfs'], env: { CRT_ROOTFS: rootfs } };
}

/** Sees the rootfs complain in these words, and after the fix not any more. */
async function repaired(t: ExecutionContext, world: Broken, rootfs: string, verdict: 'fail' | 'warn', words: RegExp): Promise<void> {
  const report = await world.ask(taking(rootfs));
  t.deepEqual(complaints(report), [`rootfs ${verdict}`], JSON.stringify(report));
  t.true(checkOf(report, 'rootfs').findings.some(({ verdict: own, observed }) => own === verdict && words.test(observed)));
  await world.sh(fixOf(report, 'rootfs'));
  t.deepEqual(complaints(await world.ask(taking(rootfs))), []);
}

e2e('a small rootfs, and the host', async (t) => {
  for (const rootfs of [await smallRootfs(t), 'host']) {
    const report = await whole.ask(taking(rootfs));
    t.deepEqual(complaints(report), [], JSON.stringify(report));
    t.is(checkOf(report, 'rootfs').findings[0]?.observed, `crt run takes ${rootfs}`);
  }
});

e2e('the rootfs of CRT_ROOTFS, which is not there', async (t) => {
  const report = await whole.ask(taking('/no/such/rootfs'));
  t.deepEqual(complaints(report), ['rootfs fail']);
  t.regex(checkOf(report, 'rootfs').findings[0]?.observed ?? '', /^the rootfs \/no\/such\/rootfs is not there$/);
  t.deepEqual(complaints(await whole.ask(taking(''))), []);
});

e2e('a rootfs without a shell', async (t) => {
  const rootfs = await smallRootfs(t);
  rmSync(`${rootfs}/bin/sh`);
  const report = await whole.ask(taking(rootfs));
  t.deepEqual(complaints(report), ['rootfs warn'], JSON.stringify(report));
  const found = checkOf(report, 'rootfs').findings.find(({ observed }) => /^there is no shell in /.test(observed));
  t.is(found?.cost, 'a shell: each run has to name a command');
  t.is((await contain(t, { rootfs, command: ['ls'] })).exitCode, 0);
});

e2e('a rootfs that all may write to', async (t) => {
  const rootfs = await smallRootfs(t);
  chmodSync(rootfs, 0o777);
  await repaired(t, whole, rootfs, 'fail', /can be written to by every user/);
});

/** Names that a shell, or a program, would take for more than a name. */
for (const name of [
  'my rootfs;touch pwned',
  "it's $(touch pwned) `touch pwned`",
  '-R pwned',
  '~ * " & > pwned',
  '#pwned',
  'a\ntouch pwned\n',
]) {
  e2e(`a fix is about its path alone: ${JSON.stringify(name)}`, async (t) => {
    const place = await folder(t);
    cpSync(await smallRootfs(t), `${place}/${name}`, { recursive: true });
    chmodSync(`${place}/${name}`, 0o777);
    const { stdout } = crtDoctor(['rootfs', '--fix-script', '--rootfs', `${place}/${name}`]);
    t.regex(stdout, /can be written to by every user/);
    // `run` says the same.
    const { stderr: hint } = crt(['run', '--rootfs', `${place}/${name}`, 'box', '--', 'true']);
    t.is(/sudo chmod/.test(hint), !name.includes('\n'), hint);
    t.true(name.includes('\n') || hint.includes(`sudo ${/^chmod .*$/m.exec(stdout)?.[0]}\n`), hint);
    const { status, stderr } = spawnSync('dash', ['-e'], { input: stdout, cwd: place, encoding: 'utf8', timeout: PATIENCE });
    t.deepEqual([status, stderr], [0, ''], stdout);
    t.deepEqual(readdirSync(place), [name]);
    t.is(statSync(`${place}/${name}`).mode & 0o777, name.includes('\n') ? 0o777 : 0o775, stdout);
  });
}

e2e('a folder of the machine is not one that a fix changes', async (t) => {
  const usr = await smallRootfs(t);
  const script = `mount --bind ${usr} /srv; chmod 777 /srv; mount -t tmpfs -o mode=755 crt-test /opt; cp -a ${usr} /opt/none; chmod 777 /opt/none; mount --bind /opt/none /opt/none
    mkdir /opt/empty; chmod 777 /opt/empty; cp -a ${usr} /opt/led; chmod 755 /opt/led; cd /opt; cp led/bin/sh sh; mv led/bin/sh led/sh; chmod 777 sh led/sh; ln -s ../../sh led/bin/sh`;
  const world = await broken(t, script);
  for (const rootfs of ['/srv', '/opt/none', '/opt/empty', '/tmp', '/var/tmp']) {
    const report = await world.ask(taking(rootfs));
    t.is(checkOf(report, 'rootfs').verdict, 'fail');
    t.is(fixOf(report, 'rootfs'), '', rootfs);
    t.true(
      checkOf(report, 'rootfs').findings.some(({ fix }) => /only root can write to/.test(fix?.advice ?? '')),
      JSON.stringify(report),
    );
  }
  // A link in it that leads out of it, but for who is inside.
  const led = await world.ask(taking('/opt/led'));
  t.deepEqual([checkOf(led, 'rootfs').verdict, fixOf(led, 'rootfs')], ['fail', '']);
});

e2e('a shell that all may write to', async (t) => {
  const rootfs = await smallRootfs(t);
  chmodSync(`${rootfs}/bin/sh`, 0o757);
  await repaired(t, whole, rootfs, 'fail', /^\/bin\/sh can be written to by every user/);
});

e2e('a shell that is linked into a folder that all may write to: a start refuses it, too', async (t) => {
  const rootfs = await smallRootfs(t);
  mkdirSync(`${rootfs}/open`);
  chmodSync(`${rootfs}/open`, 0o777);
  renameSync(`${rootfs}/bin/sh`, `${rootfs}/open/sh`);
  symlinkSync('/open/sh', `${rootfs}/bin/sh`);
  const words = /^\/open can be written to by every user/;
  await t.throwsAsync(contain(t, { rootfs }), { message: words });
  await t.throwsAsync(contain(t, { rootfs, command: ['sh', '-c', ':'] }), { message: words });
  await repaired(t, whole, rootfs, 'fail', words);
  t.is((await contain(t, { rootfs })).exitCode, 0);
});

e2e('a rootfs of another user is a warning', async (t) => {
  const rootfs = await smallRootfs(t);
  chownSync(rootfs, 12345, 12345);
  await repaired(t, whole, rootfs, 'warn', /belongs to user 12345/);
});

e2e('a rootfs for another machine', async (t) => {
  const rootfs = await smallRootfs(t);
  const bytes = readFileSync(`${rootfs}/bin/sh`);
  // e_machine of elf(5): EM_PPC64.
  bytes.writeUInt16LE(21, 18);
  writeFileSync(`${rootfs}/bin/sh`, bytes);
  const report = await whole.ask(taking(rootfs));
  t.deepEqual(complaints(report), ['rootfs fail']);
  t.true(checkOf(report, 'rootfs').findings.some(({ observed }) => /is made for ppc64, this machine is/.test(observed)));
});

e2e('a rootfs on a noexec file system', async (t) => {
  const small = await smallRootfs(t);
  const place = await folder(t);
  const world = await broken(t, `mount -t tmpfs -o mode=755,noexec crt-test ${place}; cp -a ${small} ${place}/root`);
  await repaired(t, world, `${place}/root`, 'fail', /is mounted noexec/);
});

e2e('a rootfs on an overlay: its ids cannot be mapped', async (t) => {
  const lower = await smallRootfs(t);
  const place = await folder(t);
  const script = `mount -t tmpfs -o mode=755 crt-test ${place}; cd ${place}; mkdir u w root
    mount -t overlay -o lowerdir=${lower},upperdir=u,workdir=w crt-test root`;
  const report = await (await broken(t, script)).ask(taking(`${place}/root`));
  t.deepEqual(complaints(report), ['rootfs fail'], JSON.stringify(report));
  const finding = checkOf(report, 'rootfs').findings.find(({ verdict }) => verdict === 'fail');
  t.regex(finding?.observed ?? '', /is on overlay, on which the kernel cannot map ids/);
  t.is(finding?.cost, 'each run needs --userns host');
});

e2e('a file system of which only the kernel knows that it maps no ids', async (t) => {
  const rootfs = await smallRootfs(t);
  // Below the top of the rootfs, where no table of ours looks.
  const report = await (await broken(t, `mount -t ramfs crt-test ${rootfs}/tmp`)).ask(taking(rootfs));
  t.deepEqual(complaints(report), ['rootfs fail'], JSON.stringify(report));
  t.true(checkOf(report, 'rootfs').findings.some(({ observed }) => /: bind-source: invalid argument \(EINVAL\)/.test(observed)));
});

e2e('a file system that cannot lie below an overlay', async (t) => {
  const report = await whole.ask(taking('/proc/sys'));
  t.deepEqual(complaints(report), ['rootfs fail']);
  t.regex(checkOf(report, 'rootfs').findings[0]?.observed ?? '', /is on proc, which cannot lie below an overlay$/);
});
