import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { smallRootfs } from './small-rootfs.js';
import { box, crt, type Ended, e2e, folder, script } from './support.js';

function tryRootfs(t: ExecutionContext, rootfs: string, command: readonly string[] = []): Promise<Ended> {
  return crt(t, ['run', box(t), '--rootfs', rootfs, '--', ...command]);
}

e2e('a rootfs that is not there', async (t) => {
  const { code, stderr } = await tryRootfs(t, '/no/such/rootfs');
  t.is(code, 125);
  t.regex(stderr, /^crt: --rootfs: \/no\/such\/rootfs is not there/);
});

e2e('a rootfs that is a file', async (t) => {
  const file = `${await folder(t)}/file`;
  writeFileSync(file, '');
  const { code, stderr } = await tryRootfs(t, file);
  t.is(code, 125);
  t.regex(stderr, /is not a directory/);
});

e2e('the root of the host itself', async (t) => {
  const { code, stderr } = await tryRootfs(t, '/');
  t.is(code, 125);
  t.regex(stderr, /host's own root/);
});

e2e('a rootfs without a shell', async (t) => {
  const root = await smallRootfs(t);
  rmSync(`${root}/bin/sh`);
  const { code, stderr } = await tryRootfs(t, root);
  t.is(code, 127);
  t.regex(stderr, /no shell in/);
});

e2e('a command that is not there', async (t) => {
  const { code, stderr } = await tryRootfs(t, await smallRootfs(t), ['no-such-command']);
  t.is(code, 127);
  t.regex(stderr, /no command "no-such-command"/);
});

e2e('a command for another machine', async (t) => {
  const root = await smallRootfs(t);
  const bytes = readFileSync(`${root}/bin/cat`);
  // e_machine of elf(5): EM_S390, which no machine that crt knows runs.
  bytes.writeUInt16LE(22, 18);
  writeFileSync(`${root}/bin/foreign`, bytes, { mode: 0o755 });
  const { code, stderr } = await tryRootfs(t, root, ['foreign']);
  t.is(code, 126);
  t.regex(stderr, /\/bin\/foreign.* is made for s390, this machine is/);
});

e2e('a command that is no program at all', async (t) => {
  const root = await smallRootfs(t);
  writeFileSync(`${root}/bin/noise`, 'neither ELF nor script', { mode: 0o755 });
  const { code, stderr } = await tryRootfs(t, root, ['noise']);
  t.is(code, 126);
  t.regex(stderr, /exec format error/);
});

e2e('a script whose interpreter is missing', async (t) => {
  const root = await smallRootfs(t);
  writeFileSync(`${root}/bin/script`, '#!/no/such/interpreter\n', { mode: 0o755 });
  const { code, stderr } = await tryRootfs(t, root, ['script']);
  t.is(code, 127);
  t.regex(stderr, /interpreter is missing/);
});

e2e('a rootfs on a noexec file system', async (t) => {
  const place = await folder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec,mode=755', 'crt-e2e', place]);
  t.teardown(() => execFileSync('umount', [place]));
  cpSync(await smallRootfs(t), `${place}/root`, { recursive: true });
  const { code, stderr } = await tryRootfs(t, `${place}/root`);
  t.is(code, 125);
  t.regex(stderr, /noexec/);
});

e2e('a rootfs on a file system that cannot lie below an overlay', async (t) => {
  const { code, stderr } = await tryRootfs(t, '/proc/sys');
  t.is(code, 125);
  t.regex(stderr, /is on proc, which cannot lie below an overlay/);
});

e2e('a shell that every user may write to is refused', async (t) => {
  const root = await smallRootfs(t);
  chmodSync(`${root}/bin/sh`, 0o757);
  const { code, stderr, stdout } = await tryRootfs(t, root, ['sh', '-c', 'echo ran']);
  t.deepEqual([code, stdout], [125, '']);
  t.regex(stderr, /\/bin\/sh can be written to by every user/);
});

for (const directory of ['', '/bin']) {
  e2e(`a rootfs whose folder ${directory || '/'} every user may write to is refused`, async (t) => {
    const root = await smallRootfs(t);
    chmodSync(`${root}${directory}`, 0o777);
    const { code, stderr, stdout } = await tryRootfs(t, root, ['sh', '-c', 'echo ran']);
    t.deepEqual([code, stdout], [125, '']);
    t.regex(stderr, /can be written to by every user/);
  });
}

e2e('a rootfs of another user is a warning, on stderr', async (t) => {
  const root = await smallRootfs(t);
  chownSync(root, 12345, 12345);
  const { code, stderr, stdout } = await tryRootfs(t, root, ['sh', '-c', 'echo ran']);
  t.deepEqual([code, stdout], [0, 'ran\n']);
  t.regex(stderr, /belongs to user 12345/);
});

e2e('CRT_ROOTFS is taken and said; --rootfs goes before it', async (t) => {
  const root = await smallRootfs(t);
  writeFileSync(`${root}/here`, '');
  const taken = await crt(t, ['run', box(t), '--', 'ls', '/here'], { env: { CRT_ROOTFS: root } });
  t.is(taken.stdout, '/here\n');
  t.regex(taken.stderr, /^crt: the rootfs is .* \(CRT_ROOTFS\)\n$/);
  const named = await crt(t, ['run', box(t), '--rootfs', 'host', '--', 'ls', '/here'], { env: { CRT_ROOTFS: root } });
  t.not(named.code, 0);
});

e2e('the host rootfs shows the programs of this machine and nothing of its data', async (t) => {
  const { stdout } = await script(
    t,
    'ls -A /root /home /srv /opt /mnt /var/lib /var/log | grep -v ":$" | grep .; ls /etc/shadow- /etc/ssh /etc/ssl/private 2>/dev/null; cat /etc/passwd | cut -d: -f1 | tr "\\n" " "; (: > /usr/bin/new) 2>&1; awk "BEGIN { print 42 }"',
    { rootfs: 'host' },
  );
  const lines = stdout.trim().split('\n');
  t.regex(lines[0] ?? '', /^root daemon bin nobody /);
  t.regex(lines[0] ?? '', /Read-only file system/);
  t.deepEqual(lines.slice(1), ['42']);
});

e2e('on the host rootfs users can be made, become others and get passwords', async (t) => {
  const { stdout, stderr } = await script(
    t,
    'useradd -m bob && echo bob:secret | chpasswd && su - bob -c "id -un; pwd" && su -s /bin/sh nobody -c "su bob -c id </dev/null || echo asked"',
    { rootfs: 'host' },
  );
  t.is(stdout, 'bob\n/home/bob\nasked\n', stderr);
});

e2e('a rootfs with odd characters in its path', async (t) => {
  const parent = await folder(t);
  const odd = `${parent}/a b,c:d=é"\\`;
  cpSync(await smallRootfs(t), odd, { recursive: true });
  mkdirSync(`${odd}/marker`);
  const { stdout, stderr } = await tryRootfs(t, odd, ['ls', '-d', '/marker']);
  t.is(stdout, '/marker\n', stderr);
});
