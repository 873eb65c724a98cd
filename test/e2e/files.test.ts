import { readdirSync, readFileSync } from 'node:fs';
import { list, remove, run } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { listTree, smallRootfs } from './small-rootfs.js';
import { box, e2e, MIB, ROOTFS, script, traces } from './support.js';

e2e('hostname, hosts and resolv.conf are provided', async (t) => {
  const { stdout, name } = await script(
    t,
    'cat /etc/hostname; getent hosts localhost || cat /etc/hosts; cat /etc/resolv.conf; echo x >> /etc/hosts && tail -n1 /etc/hosts',
  );
  t.true(stdout.startsWith(`${name}\n`));
  t.regex(stdout, /(127\.0\.0\.1|::1)\s+localhost/);
  t.true(stdout.endsWith('x\n'));
});

e2e('the rootfs on disk is the same after a container wrote, replaced and removed', async (t) => {
  const rootfs = await smallRootfs(t);
  const before = listTree(rootfs);
  const { stdout, exitCode } = await script(
    t,
    'echo new > /new; echo x >> /etc/passwd; mkdir /bin/sub /fresh; touch /root/file /bin/sh; cat /new; ls /dev | grep -c null',
    { rootfs, cwd: '/made/by/crt' },
  );
  t.is(exitCode, 127, 'grep is not there');
  t.is(stdout, 'new\n');
  t.deepEqual(listTree(rootfs), before);
});

e2e('--writable-rootfs writes to the directory itself, and leaves nothing of crt in it', async (t) => {
  const rootfs = await smallRootfs(t);
  const { exitCode } = await script(t, 'echo mine > /new; readlink /proc/self/ns/net > /tmp/ns', { rootfs, writableRootfs: true });
  t.is(exitCode, 0);
  t.is(readFileSync(`${rootfs}/new`, 'utf8'), 'mine\n');
  t.deepEqual(
    readdirSync(rootfs).filter((entry) => !/^(bin|dev|etc|lib|lib64|new|proc|root|sys|tmp)$/.test(entry)),
    [],
  );
  t.deepEqual([readdirSync(`${rootfs}/dev`), readdirSync(`${rootfs}/etc`)], [[], ['group', 'passwd']]);
});

e2e('--read-only: the root cannot be written, /dev/shm and a tmpfs can', async (t) => {
  const { stdout } = await script(
    t,
    'touch /new 2>&1; touch /etc/passwd 2>&1; echo a > /dev/shm/a; echo b > /scratch/b; cat /dev/shm/a /scratch/b',
    {
      readOnly: true,
      mounts: [{ type: 'tmpfs', target: '/scratch' }],
    },
  );
  t.is(stdout.match(/Read-only file system/g)?.length, 2, stdout);
  t.true(stdout.endsWith('a\nb\n'));
});

e2e('a tmpfs has the size and the mode that were asked for, and is nosuid, nodev, noexec', async (t) => {
  const { stdout } = await script(
    t,
    'stat -c %a /small; grep /small /proc/mounts; head -c 2000000 /dev/zero > /small/file || wc -c < /small/file',
    {
      mounts: [{ type: 'tmpfs', target: '/small', size: MIB, mode: 0o750 }],
    },
  );
  const [mode, mount, bytes] = stdout.trim().split('\n');
  t.is(mode, '750');
  t.regex(mount ?? '', /^tmpfs \/small tmpfs rw,nosuid,nodev,noexec,.*size=1024k/);
  t.is(Number(bytes), MIB);
});

e2e('--storage-size: the layer ends where it should, with "No space left"', async (t) => {
  const { stdout, stderr, exitCode } = await script(
    t,
    'head -c 8000000 /dev/zero > /big; wc -c < /big; [ "$(wc -c < /big)" -lt 4194305 ]',
    { storageSize: 4 * MIB },
  );
  t.regex(stderr, /No space left on device/);
  t.is(exitCode, 0, stdout);
  t.true(Number(stdout) > MIB);
});

e2e('--keep: the layer stays, ps shows it, rm takes it away', async (t) => {
  const name = box(t);
  const layers = stateRoots().layers;
  await run({ name, rootfs: ROOTFS, command: ['sh', '-c', 'echo kept > /kept; exit 5'], keep: true });
  const layer = readdirSync(layers).find((entry) => entry.startsWith(`${name}.`));
  t.is(readFileSync(`${layers}/${layer}/upper/kept`, 'utf8'), 'kept\n');
  const summary = list({ all: true }).find((container) => container.name === name);
  t.is(summary?.status, 'stopped');
  await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['true'] }), { message: new RegExp(name) });
  remove(name);
  t.deepEqual(traces(name), []);
});

e2e('without --keep nothing stays, whatever the exit', async (t) => {
  const name = box(t);
  await run({ name, rootfs: ROOTFS, command: ['sh', '-c', 'echo x > /file; mkdir -p /deep/down; exit 1'] });
  t.deepEqual(traces(name), []);
  const { exitCode, stdout } = await run({ name, rootfs: ROOTFS, command: ['ls', '/file'] });
  t.not(exitCode, 0);
  t.is(stdout, '');
});
