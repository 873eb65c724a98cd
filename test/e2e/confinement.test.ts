import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { until } from '../in-time.js';
import { box, e2e, ended, folder, MIB, script, startCrt } from './support.js';

/** CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP: capabilities(7), bit by bit. */
const KEPT = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

function statusOf(text: string): Map<string, string> {
  return new Map(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
}

e2e('capabilities, no_new_privs, umask and signals are those of the default set', async (t) => {
  const status = statusOf((await script(t, 'cat /proc/self/status')).stdout);
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) t.is(BigInt(`0x${status.get(set)}`), KEPT, set);
  for (const set of ['CapInh', 'CapAmb', 'SigBlk', 'SigIgn']) t.is(BigInt(`0x${status.get(set)}`), 0n, set);
  t.is(status.get('NoNewPrivs'), '1');
  t.is(status.get('Umask'), '0022');
  t.is(status.get('Groups')?.trim(), '');
});

e2e('another user has no capability at all', async (t) => {
  const status = statusOf((await script(t, 'cat /proc/self/status', { user: 'nobody' })).stdout);
  for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb']) t.is(BigInt(`0x${status.get(set)}`), 0n, set);
  t.is(BigInt(`0x${status.get('CapBnd')}`), KEPT);
  t.is(status.get('Uid')?.trim(), '65534\t65534\t65534\t65534');
});

e2e('what the caller has set for itself does not get in: umask, ignored signals, groups, descriptors', async (t) => {
  const show = 'grep -E "^(Umask|SigIgn|Groups)" /proc/self/status; ls /proc/$$/fd; true';
  const secret = openSync('/etc/shadow', 'r');
  t.teardown(() => closeSync(secret));
  const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', show], {
    stdio: ['ignore', 'pipe', 'pipe', secret, 'ignore', 'ignore', secret],
  });
  t.is((await ended(child)).stdout, 'Umask:\t0022\nGroups:\t \nSigIgn:\t0000000000000000\n0\n1\n2\n');
});

e2e('no core dumps', async (t) => {
  t.is((await script(t, 'ulimit -c; ulimit -H -c')).stdout, '0\n0\n');
});

e2e('--ulimit sets the soft and the hard limit', async (t) => {
  const { stdout } = await script(t, 'ulimit -n; ulimit -H -n', { ulimits: { nofile: [100, 200] } });
  t.is(stdout, '100\n200\n');
});

e2e('masked paths show nothing, and stay so', async (t) => {
  const { stdout } = await script(
    t,
    'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ ! -e $f ] || wc -c < $f; done; ls -A /proc/acpi /sys/firmware 2>&1 | grep -v ":$" | grep .; umount /proc/kcore 2>&1; wc -c < /proc/kcore',
  );
  const lines = stdout.trim().split('\n');
  t.true(lines.length >= 3);
  t.deepEqual(
    lines.filter((line) => line !== '0' && !/umount|No such file/.test(line)),
    [],
  );
});

e2e('read-only paths of /proc and /sys cannot be written', async (t) => {
  const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
  const files = [
    '/proc/sys/kernel/core_pattern',
    '/proc/sys/vm/drop_caches',
    '/proc/sysrq-trigger',
    '/proc/irq/default_smp_affinity',
    '/sys/kernel/mm/ksm/run',
    '/sys/power/state',
  ];
  const { stdout } = await script(
    t,
    `for f in ${files.join(' ')}; do [ ! -e $f ] || { : > $f; } 2>/dev/null && [ -e $f ] && echo "wrote $f"; done; mount -o remount,rw /sys 2>/dev/null && echo remounted; mount -t proc proc /mnt 2>/dev/null && echo mounted; true`,
  );
  t.is(stdout, '');
  t.is(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before);
});

e2e('the devices of /dev work, and no others can be made', async (t) => {
  const { stdout } = await script(
    t,
    `head -c 3 /dev/zero | od -An -tx1; head -c 16 /dev/urandom | wc -c; head -c 16 /dev/random | wc -c; cat /dev/null; echo x > /dev/full || echo full
     echo out | cat > /dev/null; echo in | cat /dev/stdin; readlink /dev/fd; (: < /dev/tty) || echo no terminal; mknod /tmp/disk b 254 0 || echo no node; ls /dev | tr '\\n' ' '`,
  );
  t.is(
    stdout.replaceAll('\r', ''),
    ' 00 00 00\n16\n16\nfull\nin\n/proc/self/fd\nno terminal\nno node\nfd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ',
  );
});

e2e('/dev/shm is a writable tmpfs of 64 MiB, and mqueue and pts are its own', async (t) => {
  const { stdout } = await script(
    t,
    'echo x > /dev/shm/file && cat /dev/shm/file; stat -f -c "%T %b %s" /dev/shm; ls /dev/pts; stat -c %a /dev/shm',
  );
  const [content, size = '', pts, mode] = stdout.trim().split('\n');
  const [type, blocks, bytes] = size.split(' ');
  t.deepEqual([content, type, Number(blocks) * Number(bytes), pts, mode], ['x', 'tmpfs', 64 * MIB, 'ptmx', '1777']);
});

e2e('nothing of the host can be reached: no process, no device, no old root', async (t) => {
  const { stdout } = await script(t, 'cat /proc/mounts; echo; ls /proc/1/root/ | tr "\\n" " "; readlink -f /proc/1/root/../../..');
  t.false(/put_old|oldroot|crt-staging|\/run\/crt/.test(stdout), stdout);
  t.true(stdout.endsWith('/\n'), stdout);
});

e2e('a mount made on the host while it runs is not seen inside', async (t) => {
  const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', 'echo up; read line; cat /proc/mounts']);
  await until(child.stdout, 'up\n');
  const place = await folder(t);
  execFileSync('mount', ['-t', 'tmpfs', 'crt-e2e', place]);
  t.teardown(() => execFileSync('umount', [place]));
  const end = ended(child);
  child.stdin?.end('go\n');
  const { stdout, code } = await end;
  t.is(code, 0);
  t.true(stdout.includes('proc /proc'));
  t.false(stdout.includes('crt-e2e'));
});

e2e('a stdin that is a directory is refused: it would lead out of the container', async (t) => {
  const directory = openSync('/', 'r');
  t.teardown(() => closeSync(directory));
  const child = startCrt(t, ['run', box(t), '--', 'true'], { stdio: [directory, 'pipe', 'pipe'] });
  const { code, stderr } = await ended(child);
  t.is(code, 125);
  t.regex(stderr, /^crt: the helper does not begin: stdin, stdout or stderr is closed, or a directory/m);
});
