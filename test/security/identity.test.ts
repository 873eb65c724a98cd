// Classes 12 (capabilities that are inherited), 13 (ids and sizes that are read wrongly), 14 (a hostile /etc/passwd), 22 (what the
// caller has set for itself), 23 (core dumps).
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { UserError } from '../../src/errors.js';
import { prepare } from '../../src/index.js';
import { smallRootfs } from '../e2e/small-rootfs.js';
import { box, CRT, contain, crt, type Ended, e2e, ended, folder, ROOTFS } from '../e2e/support.js';
import { attack, inside, PYTHON, without } from './attack.js';

/** No shell: dash unblocks all signals. */
const STATUS = ['grep', '-s', '', '/proc/self/status', '/proc/self/environ', '/proc/self/limits', '-ah'];

/** A session may come with a lower hard limit, which only CAP_SYS_RESOURCE raises. */
const mayDumpCore = spawnSync('sh', ['-c', 'ulimit -c unlimited']).status === 0;

/** A caller with everything set that a program can inherit; then `sys.argv[1:]`. */
const HOSTILE_CALLER = `
import ctypes, os, resource, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
class Header(ctypes.Structure): _fields_ = [('version', ctypes.c_uint32), ('pid', ctypes.c_int)]
class Data(ctypes.Structure): _fields_ = [('effective', ctypes.c_uint32), ('permitted', ctypes.c_uint32), ('inheritable', ctypes.c_uint32)]
header, data = Header(0x20080522, 0), (Data * 2)()
libc.capget(ctypes.byref(header), data)
for half in data: half.inheritable = half.permitted
libc.capset(ctypes.byref(header), data)
for cap in range(41): libc.prctl(47, 2, cap, 0, 0)
for number in range(1, 65):
    if number not in (9, 17, 19, 32, 33): signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12, 34, 40, 64])
os.umask(0)
os.setgroups([4, 6, 42])
try: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
except ValueError: pass # its hard limit is lower, and it lacks the right to raise it
os.environ.update(SECRET='s3cret', LD_PRELOAD_X='x', NODE_OPTIONS='--no-warnings', BASH_ENV='/etc/evil')
os.execv(sys.argv[1], sys.argv[1:])`;

async function fromHostileCaller(t: ExecutionContext, words: readonly string[]): Promise<Ended> {
  const child = spawn(PYTHON, ['-c', HOSTILE_CALLER, ...words], { env: { ...process.env, CRT_ROOTFS: ROOTFS } });
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.end();
  return ended(child);
}

function field(text: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(text)?.[1] ?? 'none';
}

attack(
  'a caller with inheritable and ambient capabilities, ignored and blocked signals, groups, umask 0, core dumps and secrets',
  async (t) => {
    const outside = (await fromHostileCaller(t, ['/usr/bin/grep', ...STATUS.slice(1)])).stdout;
    // The attack is real: a program that does nothing about it has it all.
    for (const name of ['CapInh', 'CapAmb', 'SigBlk', 'SigIgn']) t.true(BigInt(`0x${field(outside, name)}`) > 0n, name);
    t.deepEqual([field(outside, 'Groups'), field(outside, 'Umask')], ['4 6 42', '0000']);
    t.regex(outside, /SECRET=s3cret/);
    if (mayDumpCore) t.regex(outside, /^Max core file size +unlimited/m);

    const { stdout, stderr, code } = await fromHostileCaller(t, [...CRT, 'run', box(t), '--', ...STATUS]);
    t.is(code, 0, stderr);
    const expected = (await contain(t, { command: STATUS })).stdout;
    for (const name of [
      'CapInh',
      'CapPrm',
      'CapEff',
      'CapBnd',
      'CapAmb',
      'SigBlk',
      'SigIgn',
      'SigCgt',
      'Umask',
      'Groups',
      'NoNewPrivs',
      'Seccomp',
    ])
      t.is(field(stdout, name), field(expected, name), name);
    for (const name of ['CapInh', 'CapAmb', 'SigBlk', 'SigIgn']) t.is(BigInt(`0x${field(stdout, name)}`), 0n, name);
    t.deepEqual([field(stdout, 'Groups'), field(stdout, 'Umask')], ['', '0022']);
    t.notRegex(stdout, /s3cret|NODE_OPTIONS|BASH_ENV|LD_PRELOAD_X/);
    t.regex(stdout, /^Max core file size +0 +0 /m);
  },
);

e2e('each step of that is needed: without it the container has what it takes away', async (t) => {
  const show = async (...ops: string[]): Promise<string> =>
    (await contain(t, { command: STATUS, ...(ops.length > 0 ? without(...ops) : {}) })).stdout;
  const usual = await show();
  t.not(field(await show('caps', 'bounding'), 'CapBnd'), field(usual, 'CapBnd'));
  t.is(field(await show('no-new-privs', 'listener', 'answer', 'seccomp'), 'NoNewPrivs'), '0');
  t.is(field(await show('umask'), 'Umask'), '0000');
  t.not(field(await show('signals'), 'SigBlk'), field(usual, 'SigBlk'));
});

attack('a crash leaves no core file', async (t) => {
  const crash = async (more: object): Promise<string> => {
    const command = ['sh', '-c', 'cd /tmp; grep -c "^|" /proc/sys/kernel/core_pattern; sh -c "kill -SEGV \\$\\$"; ls'];
    return (await contain(t, { command, ...more })).stdout;
  };
  t.is((await crash({})).replace(/^\d+\n/, ''), '');
  if (!mayDumpCore) return;
  const allowed = await crash({ ulimits: { core: [-1, -1] } });
  if (allowed.startsWith('0')) t.regex(allowed, /core/, 'with --ulimit core there is one');
});

/** Each must not become user 0 by cutting, wrapping or reading it as another base. */
const NOT_IDS = [
  '4294967295',
  '4294967296',
  '18446744073709551616',
  '-1',
  '+0',
  '0x0',
  '1e3',
  ' 0',
  '0 ',
  '0.0',
  '٠',
  '1_0',
  '0\n',
  '4294967296:0',
];
for (const user of NOT_IDS) {
  e2e(`the user ${JSON.stringify(user)} is nobody: refused`, async (t) => {
    await t.throwsAsync(contain(t, { user, command: ['id'], userns: 'host' }), { message: /user|id|range/i });
  });
}

e2e('a user beyond the range of the container is refused, never user 0', async (t) => {
  for (const user of ['65536', '4294967294', '0:65536']) await t.throwsAsync(contain(t, { user, command: ['id'] }), undefined, user);
  t.regex((await contain(t, { user: '65535', command: ['id', '-u'] })).stdout, /^65535\n$/);
});

e2e('sizes beyond 2^53 are exact or refused', (t) => {
  // The last doubles are 2 apart: 9007199254740993 would be taken as …992.
  for (const memory of [2 ** 53 + 2, 2 ** 63, 2 ** 64, Number.NaN, Number.POSITIVE_INFINITY, 52428800.5, -5]) {
    t.throws(() => prepare({ name: box(t), rootfs: ROOTFS, memory }), { instanceOf: UserError }, String(memory));
  }
});

for (const size of ['9007199254740993', '9007199254740993b', '18446744073709551616b', '16e', '0x40000000', '1e3', '-1']) {
  e2e(`--memory ${size} is refused`, async (t) => {
    const { code, stdout } = await crt(t, ['run', box(t), '--memory', size, '--', 'echo', 'ran']);
    t.deepEqual([code, stdout], [125, '']);
  });
}

/** Ways to make a program that reads /etc/passwd hang, run out of memory, or read the host's. */
const PASSWDS: Record<string, (path: string, victim: string) => void> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'an endless device': (path) => execFileSync('mknod', [path, 'c', '1', '5']),
  'a link to an endless device': (path) => symlinkSync('/dev/zero', path),
  'a link out of the image': (path, victim) => symlinkSync(`${victim}/passwd`, path),
  'a link up and out of the image': (path, victim) => symlinkSync(`../../../../../..${victim}/passwd`, path),
  'ten gigabytes': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 10 * 1024 ** 3);
  },
  'one endless line': (path) => writeFileSync(path, `evil:${'x'.repeat(500_000)}`),
  'an id that wraps': (path) => writeFileSync(path, 'evil:x:4294967296:0::/:/bin/sh\n'),
  'no change as an id': (path) => writeFileSync(path, 'evil:x:4294967295:4294967295::/:/bin/sh\n'),
  'a negative id': (path) => writeFileSync(path, 'evil:x:-1:-1::/:/bin/sh\n'),
  NULs: (path) => writeFileSync(path, 'ev\0il:x:0:0::/:/bin/sh\nevil\0:x:0:0::/:/bin/sh\n'),
};
for (const [what, make] of Object.entries(PASSWDS)) {
  e2e(`/etc/passwd is ${what}: an answer in time, and no user that is not there`, async (t) => {
    const rootfs = await smallRootfs(t);
    const victim = await folder(t);
    writeFileSync(`${victim}/passwd`, 'evil:x:0:0::/:/bin/sh\n');
    rmSync(`${rootfs}/etc/passwd`);
    make(`${rootfs}/etc/passwd`, victim);
    const begin = Date.now();
    await t.throwsAsync(contain(t, { rootfs, user: 'evil', command: ['id'], timeout: 20_000 }), { message: /user|passwd/ });
    t.true(Date.now() - begin < 10_000);
    t.is(readFileSync(`${victim}/passwd`, 'utf8'), 'evil:x:0:0::/:/bin/sh\n');
    t.deepEqual(readdirSync(victim), ['passwd']);
  });
}

e2e('and a user that is there is found: the reader of /etc/passwd works', async (t) => {
  const rootfs = await smallRootfs(t);
  chmodSync(rootfs, 0o755);
  writeFileSync(`${rootfs}/etc/passwd`, `${'x'.repeat(5000)}\nevil:x:7:8::/:/bin/sh\n`);
  t.regex((await contain(t, { rootfs, user: 'evil', command: ['id', '-u'] })).stdout, /^7\n$/);
});

attack('no capability comes back: not by capset, nor by the keep-caps bit, nor by an exec of root', async (t) => {
  const text = `
def reap(act):
    if os.fork() == 0:
        try: act()
        finally: os._exit(1)
    os.wait()
os.setresuid(65534, 65534, 65534)
with open('/proc/self/status') as file: lines = file.read()
answer = [attempt(lambda: os.setuid(0)), attempt(lambda: os.setgroups([0])), lines.split('CapEff:')[1].split()[0]]`;
  t.deepEqual(await inside(t, text), ['EPERM', 'EPERM', '0000000000000000']);
});
