import { mkdirSync, readdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { smallRootfs } from './small-rootfs.js';
import { box, crt, e2e, folder, script } from './support.js';

e2e('-v shows a folder: reads, writes and owners are the host’s', async (t) => {
  const data = await folder(t);
  writeFileSync(`${data}/file`, 'from the host\n');
  const { stdout } = await script(t, 'cat /data/file; echo inside > /data/new; stat -c %u /data/file', {
    mounts: [{ source: data, target: '/data' }],
  });
  t.is(stdout, 'from the host\n0\n');
  t.is(readFileSync(`${data}/new`, 'utf8'), 'inside\n');
});

e2e('-v shows a single file', async (t) => {
  const file = `${await folder(t)}/config`;
  writeFileSync(file, 'setting=1\n');
  const { stdout } = await script(t, 'cat /etc/app/config; ls /etc/app', {
    mounts: [{ source: file, target: '/etc/app/config', readonly: true }],
  });
  t.is(stdout, 'setting=1\nconfig\n');
});

e2e('a bind is nosuid and nodev, and read-only where asked for, and nothing inside lifts that', async (t) => {
  const data = await folder(t);
  writeFileSync(`${data}/file`, 'as it was');
  const { stdout } = await script(
    t,
    'grep " /data " /proc/mounts | cut -d" " -f4; (echo x > /data/file) 2>&1; mount -o remount,bind,rw /data 2>/dev/null && echo lifted; umount /data 2>/dev/null && echo gone; touch /data/new 2>/dev/null && echo wrote; true',
    {
      mounts: [{ source: data, target: '/data', readonly: true }],
    },
  );
  const [options = '', refused, ...more] = stdout.trim().split('\n');
  for (const option of ['ro', 'nosuid', 'nodev']) t.true(options.split(',').includes(option), options);
  t.regex(refused ?? '', /Read-only file system/);
  t.deepEqual(more, []);
  t.deepEqual([readdirSync(data), readFileSync(`${data}/file`, 'utf8')], [['file'], 'as it was']);
});

e2e('on the command line a relative source is looked for where one stands', async (t) => {
  const cwd = await folder(t);
  mkdirSync(`${cwd}/data/sub`, { recursive: true });
  writeFileSync(`${cwd}/data/file`, 'relative\n');
  const flags = [
    '-v',
    './data:/data:ro',
    '--mount',
    'type=bind,source=./data/sub,target=/sub',
    '--mount',
    'type=tmpfs,target=/fast,tmpfs-size=1m,tmpfs-mode=750',
  ];
  const show =
    'cat /data/file; touch /data/x 2>/dev/null || echo read-only; touch /sub/new; stat -c %a /fast; grep -c "/fast tmpfs.*size=1024k" /proc/mounts';
  const { stdout, stderr } = await crt(t, ['run', box(t), ...flags, '--', 'sh', '-c', show], { cwd });
  t.is(stdout, 'relative\nread-only\n750\n1\n', stderr);
  t.deepEqual(readdirSync(`${cwd}/data/sub`), ['new']);
});

e2e('a source that is not there is an error of its own, before anything is made', async (t) => {
  const { code, stdout, stderr } = await crt(t, ['run', box(t), '-v', '/no/such/source:/data', '--', 'echo', 'ran']);
  t.deepEqual([code, stdout], [125, '']);
  t.regex(stderr, /\/no\/such\/source/);
  t.regex(stderr, /no such file|is not there|does not exist/);
});

const PLACES = [
  '/proc',
  '/proc/sys',
  '/proc/self/attr',
  '/',
  '/dev',
  '/dev/pts',
  '/sys/fs/cgroup',
  '/sys/fs/cgroup/memory',
  '/data/../proc/x',
  '//proc',
];
for (const target of PLACES) {
  e2e(`a mount on ${target} is refused`, async (t) => {
    const source = await folder(t);
    await t.throwsAsync(script(t, 'echo ran', { mounts: [{ source, target }] }), { name: 'UserError' });
  });
}

/** Where a link in the rootfs leads, and the place below or on it that is asked for. */
const LINKS: readonly (readonly [title: string, content: (victim: string) => string, target: string])[] = [
  ['an absolute link', (victim) => victim, '/link'],
  ['a relative link upwards', (victim) => `../../../../../../../..${victim}`, '/link'],
  ['a parent that is a link', (victim) => victim, '/link/below'],
  ['a link to /proc/1/root', (victim) => `/proc/1/root${victim}`, '/link'],
];
for (const [title, content, target] of LINKS) {
  for (const type of ['bind', 'tmpfs'] as const) {
    e2e(`a ${type} on ${title} stays inside the rootfs`, async (t) => {
      const [rootfs, victim, data] = [await smallRootfs(t), await folder(t), await folder(t)];
      writeFileSync(`${data}/mounted`, '');
      symlinkSync(content(victim), `${rootfs}/link`);
      const mounts = [type === 'bind' ? { source: data, target } : { type, target }];
      const outcome = await script(t, `touch ${target}/made; ls ${target}`, { rootfs, mounts }).catch((error: Error) => error);
      // Made inside, where the link leads to in there, or refused: never in the host's folder.
      if (!(outcome instanceof Error)) t.is(outcome.stdout, type === 'bind' ? 'made\nmounted\n' : 'made\n', outcome.stderr);
      t.deepEqual(readdirSync(victim), []);
    });
  }
}

for (const directory of ['proc', 'sys', 'dev']) {
  e2e(`a rootfs whose /${directory} is a link is refused or mounted inside, and the host’s folder stays empty`, async (t) => {
    const [rootfs, victim] = [await smallRootfs(t), await folder(t)];
    rmdirSync(`${rootfs}/${directory}`);
    symlinkSync(victim, `${rootfs}/${directory}`);
    const error = await t.throwsAsync(script(t, 'echo ran', { rootfs }));
    t.regex(error?.message ?? '', new RegExp(`/${directory}`));
    t.deepEqual(readdirSync(victim), []);
  });
}

e2e('a tmpfs over a folder that has files hides them, and a mount below it is made after it', async (t) => {
  const data = await folder(t);
  writeFileSync(`${data}/file`, 'below\n');
  const { stdout } = await script(t, 'ls /usr/share | wc -l; cat /usr/share/data/file', {
    mounts: [
      { source: data, target: '/usr/share/data' },
      { type: 'tmpfs', target: '/usr/share' },
    ],
  });
  t.is(stdout, '1\nbelow\n');
});

e2e('two mounts at one place are refused', async (t) => {
  const data = await folder(t);
  await t.throwsAsync(
    script(t, 'true', {
      mounts: [
        { source: data, target: '/data' },
        { type: 'tmpfs', target: '/data/' },
      ],
    }),
    { message: /mounts\[1\].*already/ },
  );
});

e2e('a folder on a file, or a file on a folder, is said by what was typed', async (t) => {
  const source = await folder(t);
  writeFileSync(`${source}/file`, '');
  for (const [from, to] of [
    [source, '/etc/passwd'],
    [`${source}/file`, '/etc'],
  ]) {
    const { code, stderr } = await crt(t, ['run', box(t), '-v', `${from}:${to}`, '--', 'true']);
    t.is(code, 125);
    t.true(stderr.includes(`(bind ${from} ${to}) failed: invalid argument (EINVAL). A directory cannot be mounted on a file`), stderr);
    t.true(stderr.includes(`look at -v ${from}:${to}`), stderr);
    t.notRegex(stderr, /\/run\/crt/);
  }
});
