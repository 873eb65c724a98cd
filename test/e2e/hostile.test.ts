import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { smallRootfs } from './small-rootfs.js';
import { box, contain, crt, e2e, ended, folder, MIB, script, startCrt } from './support.js';

e2e('root inside makes no user namespace, in which it could mount cgroups and raise its limits', async (t) => {
  const { stdout } = await script(
    t,
    'grep Seccomp: /proc/self/status; unshare -U true 2>&1; unshare -U -r -m -C true 2>&1; python3 -c "import os; print(os.fork() >= 0)" | sort -u',
    { memory: 64 * MIB },
  );
  t.regex(stdout, /^Seccomp:\t2$/m);
  t.is(stdout.match(/Operation not permitted/g)?.length, 2);
  t.regex(stdout, /^True$/m, 'a plain fork goes on working');
});

e2e("the host's /dev/null is out of reach: behind masks, and as stdin", async (t) => {
  const before = statSync('/dev/null');
  const { stdout } = await script(
    t,
    'for f in /proc/keys /proc/timer_list; do chmod 600 $f 2>&1; touch -d 2001-01-01 $f 2>&1; done; chmod 606 /proc/self/fd/0; echo x > /proc/keys && echo written',
  );
  t.true((stdout.match(/Read-only file system/g)?.length ?? 0) >= 2);
  t.regex(stdout, /written/);
  const after = statSync('/dev/null');
  t.deepEqual([after.mode, after.uid, after.mtimeMs], [before.mode, before.uid, before.mtimeMs]);
});

e2e('a file as stdin or stdout can be read or written, not opened anew', async (t) => {
  const directory = await folder(t);
  writeFileSync(`${directory}/in`, 'the input\n', { mode: 0o644 });
  const input = await open(`${directory}/in`, 'r');
  const output = await open(`${directory}/out`, 'w', 0o644);
  t.teardown(() => Promise.all([input.close(), output.close()]));
  const command = 'cat; chmod 4777 /proc/self/fd/0 /proc/self/fd/1; echo changed > /proc/self/fd/0; echo done';
  const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', command], { stdio: [input.fd, output.fd, 'pipe'] });
  t.is((await ended(child)).code, 0);
  t.is(readFileSync(`${directory}/in`, 'utf8'), 'the input\n');
  t.is(readFileSync(`${directory}/out`, 'utf8'), 'the input\ndone\n');
  t.deepEqual([statSync(`${directory}/in`).mode & 0o7777, statSync(`${directory}/out`).mode & 0o7777], [0o644, 0o644]);
});

e2e('links of an image do not lead mounts into /dev, /proc or /sys', async (t) => {
  const rootfs = await smallRootfs(t);
  const data = await folder(t);
  for (const place of ['dev', 'proc', 'sys']) {
    symlinkSync(`/${place}`, `${rootfs}/to-${place}`);
    const mounted = await crt(t, ['run', box(t), '--rootfs', rootfs, '-v', `${data}:/to-${place}`, '--', 'ls']);
    t.is(mounted.code, 125, place);
    t.regex(mounted.stderr, new RegExp(`leads into /${place}`), place);
  }
  t.deepEqual(readdirSync(data), []);
});

e2e("what crt provides does not land in the user's folder by a link of the image", async (t) => {
  const rootfs = await smallRootfs(t);
  const data = await folder(t);
  rmSync(`${rootfs}/etc`, { recursive: true });
  mkdirSync(`${rootfs}/data`);
  symlinkSync('/data', `${rootfs}/etc`);
  const { exitCode } = await contain(t, { rootfs, command: ['ls'], mounts: [{ source: data, target: '/data' }] });
  t.is(exitCode, 0);
  t.deepEqual(readdirSync(data), []);
});

e2e('--read-only covers the files that crt provides', async (t) => {
  const { stdout } = await script(t, 'echo x > /etc/hosts && echo WRITTEN; true', { readOnly: true });
  t.is(stdout, '');
});
