// Classes 2 and 3 (descriptors that leak), 4 (a destination swapped during a mount), 5 to 9 (links of the image at /proc, /sys, /dev and
// at destinations), 10 (mounts under /proc).
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { RunOptions } from '../../src/options.js';
import { listTree, smallRootfs } from '../e2e/small-rootfs.js';
import { box, CRT, contain, crt, type Ended, e2e, ended, folder, ptyTest, ROOTFS, startCrt } from '../e2e/support.js';
import { until } from '../in-time.js';
import { attack, PYTHON } from './attack.js';

/** A folder that nothing may touch, and what to compare it with. */
async function victimOf(t: ExecutionContext): Promise<{ path: string; unchanged: () => void }> {
  const path = await folder(t);
  for (const name of ['null', 'ptmx', 'tty', 'secret']) writeFileSync(`${path}/${name}`, 'of the host\n');
  mkdirSync(`${path}/folder`);
  const before = listTree(path);
  return { path, unchanged: () => t.deepEqual(listTree(path), before) };
}

/** `crt` with a folder and a file of the host open as 3 to 40, as a careless caller has them. */
async function withOpen(t: ExecutionContext, victim: string, args: readonly string[]): Promise<Ended> {
  const [directory, secret, root] = [openSync(victim, 'r'), openSync(`${victim}/secret`, 'r'), openSync('/', 'r')];
  t.teardown(() => [directory, secret, root].forEach(closeSync));
  const leaked = Array.from({ length: 38 }, (_, at) => (at + 3 === 9 ? secret : at + 3 === 33 ? root : directory));
  const child = startCrt(t, args, { stdio: ['ignore', 'pipe', 'pipe', ...leaked] });
  return ended(child);
}

e2e('the caller holds descriptors of the host: none is open inside, none can be the working directory', async (t) => {
  const { path, unchanged } = await victimOf(t);
  const list = await withOpen(t, path, ['run', box(t), '--', 'sh', '-c', 'ls /proc/$$/fd; cat /proc/self/fd/9; ls /proc/self/fd/33/etc']);
  t.is(list.stdout, '0\n1\n2\n');
  const numbers = Array.from({ length: 37 }, (_, at) => at + 3);
  const attempts = async (worker: number): Promise<void> => {
    for (const fd of numbers.filter((number) => number % 4 === worker)) {
      const where = `/proc/self/fd/${fd}`;
      const { stdout } = await withOpen(t, path, [
        'run',
        box(t),
        '-w',
        fd % 2 === 0 ? where : `${where}/folder/..`,
        '--',
        'sh',
        '-c',
        'pwd; ls -a',
      ]);
      t.notRegex(stdout, /secret|ptmx/, where);
    }
  };
  await Promise.all([0, 1, 2, 3].map(attempts));
  unchanged();
});

/** Exchanges a folder of the image and a link to the victim, for as long as it lives: renameat2(2), RENAME_EXCHANGE. */
const SWAP = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = sys.argv[1].encode(), sys.argv[2].encode()
print('swapping', flush=True)
while True: libc.renameat2(-100, a, -100, b, 2)`;

async function swapping(t: ExecutionContext, rootfs: string, victim: string): Promise<void> {
  mkdirSync(`${rootfs}/srv/place`, { recursive: true });
  symlinkSync(victim, `${rootfs}/srv/other`);
  const child = spawn(PYTHON, ['-c', SWAP, `${rootfs}/srv/place`, `${rootfs}/srv/other`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'swapping\n');
}

attack('the destinations are swapped with links to a folder of the host, during 60 starts', async (t) => {
  const { path, unchanged } = await victimOf(t);
  const rootfs = await smallRootfs(t);
  const data = await folder(t);
  writeFileSync(`${data}/file`, 'mine\n');
  await swapping(t, rootfs, path);
  const mounts: RunOptions['mounts'] = [
    { source: data, target: '/srv/place/made/bind' },
    { source: `${data}/file`, target: '/srv/place/made-file' },
    { type: 'tmpfs', target: '/srv/place/made/tmpfs' },
    { type: 'tmpfs', target: '/srv/place' },
  ];
  let ran = 0;
  const starts = async (): Promise<void> => {
    for (let at = 0; at < 30; at++) {
      const options: Partial<RunOptions> = {
        rootfs,
        writableRootfs: true,
        userns: 'host',
        mounts,
        cwd: '/srv/place/cwd/new',
        command: ['ls', '/srv/place'],
      };
      const result = await contain(t, options).catch(() => undefined);
      ran += result ? 1 : 0;
      t.notRegex(result?.stdout ?? '', /secret/);
    }
  };
  await Promise.all([starts(), starts()]);
  t.log(`${ran} of 60 started`);
  unchanged();
});

/** Destinations that a link of the image would lead out of it, if anything followed it on the host. */
const LINKS: Record<string, (victim: string) => string> = {
  absolute: (victim) => victim,
  up: (victim) => `../../../../../../../../..${victim}`,
  'by the old root': (victim) => `/oldroot${victim}`,
  'by PID 1': (victim) => `/proc/1/root${victim}`,
  'by a descriptor': () => '/proc/self/fd/3',
  'to the rootfs itself': () => '/',
  'to itself': () => 'link',
};
for (const [what, target] of Object.entries(LINKS)) {
  e2e(`a destination is a link of the image, ${what}: nothing is made or mounted outside`, async (t) => {
    const { path, unchanged } = await victimOf(t);
    const rootfs = await smallRootfs(t);
    const data = await folder(t);
    writeFileSync(`${data}/file`, 'mine\n');
    symlinkSync(target(path), `${rootfs}/link`);
    const file = { source: `${data}/file`, target: '/link/made-file' };
    const kinds: NonNullable<RunOptions['mounts']>[] = [
      [{ type: 'tmpfs', target: '/link' }],
      [{ type: 'tmpfs', target: '/link/made/tmpfs' }],
      [{ source: data, target: '/link/made/bind' }],
      [{ source: data, target: '/link' }],
      [file],
      [{ source: `${data}/file`, target: '/link/secret' }],
    ];
    for (const mounts of kinds) {
      for (const cwd of ['/', '/link/cwd']) {
        const command = ['sh', '-c', 'ls /link/ /link/folder; cat /link/secret; echo overwritten > /link/null'];
        const result = await contain(t, { rootfs, mounts, cwd, command, writableRootfs: true, userns: 'host' }).catch(() => undefined);
        t.notRegex(result?.stdout ?? '', /of the host|ptmx/);
      }
    }
    unchanged();
    t.is(readFileSync(`${data}/file`, 'utf8'), 'mine\n');
  });
}

for (const place of ['proc', 'sys', 'dev']) {
  for (const [what, target] of Object.entries({
    'to a folder of the host': (victim: string) => victim,
    'to a folder of the image': () => '/tmp',
  })) {
    e2e(`/${place} of the image is a link ${what}: refused, and nothing is made there`, async (t) => {
      const { path, unchanged } = await victimOf(t);
      const rootfs = await smallRootfs(t);
      rmSync(`${rootfs}/${place}`, { recursive: true });
      symlinkSync(target(path), `${rootfs}/${place}`);
      for (const flags of [[], ['--writable-rootfs', '--userns', 'host'], ['-t']]) {
        const { code, stdout } = await crt(t, ['run', box(t), '--rootfs', rootfs, ...flags, '--', 'sh', '-c', 'echo ran']);
        t.deepEqual([code, stdout], [125, ''], flags.join(' '));
      }
      unchanged();
      t.deepEqual(readdirSync(`${rootfs}/tmp`), []);
    });
  }
}

/** An image with links where crt makes things in /dev: to `secret` and `srv` below a folder. */
async function linkedDev(t: ExecutionContext, place: string): Promise<string> {
  const rootfs = await smallRootfs(t);
  for (const name of ['null', 'console', 'ptmx', 'tty']) symlinkSync(`${place}/secret`, `${rootfs}/dev/${name}`);
  symlinkSync(`${place}/srv`, `${rootfs}/dev/pts`);
  writeFileSync(`${rootfs}/secret`, 'of the image\n');
  mkdirSync(`${rootfs}/srv`);
  return rootfs;
}

for (const [where, placeOf] of Object.entries({ host: (victim: string) => victim, image: () => '' })) {
  e2e(`/dev/null of the image is a link to a file of the ${where}: masks do not show it, and nothing is written to it`, async (t) => {
    const { path, unchanged } = await victimOf(t);
    const rootfs = await linkedDev(t, placeOf(path));
    const text = 'cat /proc/interrupts /proc/timer_list; echo x > /proc/interrupts; echo x > /dev/null; cat /secret';
    for (const userns of ['auto', 'host'] as const) {
      const own = { rootfs, userns, writableRootfs: userns === 'host' };
      t.is((await contain(t, { ...own, command: ['sh', '-c', text] })).stdout, 'of the image\n', userns);
      // Without the mask there is something to see.
      const bare = await contain(t, { ...own, securityOpt: { unmask: ['/proc/interrupts'] }, command: ['cat', '/proc/interrupts'] });
      t.regex(bare.stdout, /CPU0/);
    }
    unchanged();
  });

  ptyTest(`/dev/pts and /dev/console of the image are links into the ${where}: the terminal is not theirs`, async (t) => {
    const { path, unchanged } = await victimOf(t);
    const rootfs = await linkedDev(t, placeOf(path));
    // Nor can a name be put there later, in the place of a terminal's.
    const swap = 'mkdir /dev/pts/1 2>/dev/null && echo swapped';
    const text = `ls /dev/pts; [ -t 0 ] && echo terminal > /dev/console; [ -f /secret ] && cat /secret; ls /srv; ${swap}`;
    for (const userns of ['auto', 'host'] as const) {
      const { stdout } = await contain(t, { rootfs, tty: true, userns, writableRootfs: userns === 'host', command: ['sh', '-c', text] });
      t.is(stdout.replaceAll('\r', ''), '0  ptmx\nterminal\nof the image\n', userns);
    }
    unchanged();
  });
}

e2e('a file lies in the place of the host’s /dev/null: nothing is masked with it, and nothing starts', async (t) => {
  const place = await folder(t);
  writeFileSync(`${place}/null`, 'no device\n', { mode: 0o666 });
  const words = [...CRT, 'run', box(t), '--rootfs', ROOTFS, '--', 'cat', '/proc/interrupts'];
  // In a mount namespace of its own, which unshare(1) makes private.
  const child = spawn('unshare', ['-m', 'sh', '-c', 'mount --bind "$0" /dev/null && exec "$@"', `${place}/null`, ...words]);
  child.stdin.end();
  const { code, stdout, stderr } = await ended(child);
  t.deepEqual([code, stdout], [125, ''], stderr);
  t.regex(stderr, /mask/);
});

/** What is crt's own: nobody may put something else there. */
const OWN = [
  '/dev',
  '/dev/null',
  '/dev/console',
  '/proc',
  '/proc/',
  '//proc',
  '/./proc/self',
  '/tmp/../proc/self/attr',
  '/proc/sys/kernel',
  '/proc/1',
  '/proc/self/fd/0',
  '/sys/fs/cgroup/memory',
  '/dev/pts',
  '/dev/pts/0',
];
e2e('no mount can be asked for at or under /proc, nor over a device or terminal of crt’s, however it is spelled', async (t) => {
  const data = await folder(t);
  for (const target of OWN) {
    for (const flags of [
      ['-v', `${data}:${target}`],
      ['--tmpfs', target],
      ['--mount', `type=bind,source=${data},target=${target}`],
    ]) {
      const { code, stdout } = await crt(t, ['run', box(t), ...flags, '--', 'echo', 'ran']);
      t.deepEqual([code, stdout], [125, ''], flags.join(' '));
    }
  }
});

e2e('a /proc of the image with files of its own lies below the procfs', async (t) => {
  const rootfs = await smallRootfs(t);
  mkdirSync(`${rootfs}/proc/self/attr`, { recursive: true });
  for (const file of ['exec', 'current']) writeFileSync(`${rootfs}/proc/self/attr/${file}`, '');
  writeFileSync(`${rootfs}/proc/self/oom_score_adj`, 'fake');
  const { stdout } = await contain(t, { rootfs, command: ['cat', '/proc/self/oom_score_adj'] });
  t.notRegex(stdout, /fake/);
  t.is(lstatSync(`${rootfs}/proc/self/attr/exec`).size, 0);
  t.true(existsSync(`${rootfs}/proc/self/oom_score_adj`));
});
