// Classes 1, 2, 11 and 12 for `crt exec`: what enters a container is not to be got hold of, and is confined as its PID 1 was.
import { spawn } from 'node:child_process';
import type { RunOptions } from '../../src/index.js';
import { beside, shell } from '../e2e/beside.js';
import { CRT, contain, e2e, ended } from '../e2e/support.js';
import { attack, inside, program } from './attack.js';

attack('the helper is made to run inside, and the file behind it is changed in its mode', async (t) => {
  for (const userns of ['host', 'auto'] as const) {
    await beside(
      t,
      async (name) => {
        await shell(name, 'mkfifo /tmp/pipe; ln -s /proc/self/exe /tmp/sh');
        // Whoever execs that link runs once more, and that is the helper. It waits for the pipe.
        const held = shell(name, '', { command: ['/tmp/sh', 'kill', '/tmp/pipe'], timeout: 60_000 });
        const { stdout, stderr } = await shell(name, '', { command: ['python3', '-c', program(FIND)] });
        t.deepEqual(JSON.parse(stdout), [['yes', userns === 'host' ? 'EROFS' : 'EPERM']], `${userns} ${stderr}`);
        // Should the other be gone, nobody reads it.
        await shell(name, 'echo > /tmp/pipe', { timeout: 60_000 });
        await held;
      },
      { userns },
    );
  }
  const reaper = await inside(t, "answer = attempt(lambda: os.chmod('/proc/1/exe', 0o755))", {
    init: true,
    userns: 'host',
    capAdd: ['SYS_PTRACE'],
  });
  t.is(reaper, 'EROFS');
});

/** Every process that runs the helper: waited for, then its file is opened, and its mode set to what it is. */
const FIND = `
import time
answer = []
for _ in range(600):
    for pid in os.listdir('/proc'):
        if not pid.isdigit() or int(pid) in (1, os.getpid()): continue
        try: words = open(f'/proc/{pid}/cmdline').read().split(chr(0))
        except OSError: continue
        if '/tmp/pipe' not in words: continue
        answer.append([opens(f'/proc/{pid}/exe', os.O_RDONLY), attempt(lambda: os.chmod(f'/proc/{pid}/exe', 0o755))])
    if answer: break
    time.sleep(0.1)`;

e2e('no descriptor leads out as the working directory of a further command', (t) =>
  beside(t, async (name) => {
    await shell(name, 'for n in 7 8 9; do ln -s /proc/self/fd/$n /tmp/$n; done; ln -s /proc/1/cwd /tmp/cwd');
    for (const place of [
      ...['/proc/self/fd', '/proc/thread-self/fd', '/tmp'].flatMap((path) => [7, 8, 9].map((n) => `${path}/${n}`)),
      '/tmp/cwd',
    ]) {
      // The caller holds its own root three times, and lets its children have it.
      const line = ['exec 7< / 8< / 9< /; exec "$@"', 'sh', ...CRT, 'exec', name, '-w', place, '--', 'pwd'];
      const child = spawn('sh', ['-c', ...line], { stdio: ['ignore', 'pipe', 'pipe'] });
      const { code, stdout, stderr } = await ended(child);
      t.deepEqual([code, stdout], [125, ''], `${place} ${stderr}`);
      t.regex(stderr, /step \d+ \(cwd /, place);
    }
    const fds = await shell(name, 'ls /proc/self/fd');
    t.deepEqual(fds.stdout.trim().split('\n'), ['0', '1', '2', '3']);
  }),
);

/** PID 1 looks at every process that appears, until it is told to stop: at its program, memory, and descriptors. */
const WATCH = `
found = set()
print('ready', flush=True)
while not os.path.exists('/tmp/stop'):
    for pid in os.listdir('/proc'):
        if not pid.isdigit() or pid == '1': continue
        try:
            if open(f'/proc/{pid}/comm').read() != 'crt-init\\n': continue
        except OSError: continue
        found.add('seen')
        for file in ('exe', 'cwd', 'root', 'ns/mnt', 'fd/3', 'fd/4', 'fd/5', 'fd/6', 'fd/7', 'fd/8', 'fd/9', 'fd/10', 'fd/11', 'fd/12'):
            try: link = os.readlink(f'/proc/{pid}/{file}')
            except OSError: continue
            try: mine = open(f'/proc/{pid}/comm').read() == 'crt-init\\n'
            except OSError: continue
            if mine: found.add(f'{file.split("/")[0]}')
        if opens(f'/proc/{pid}/mem', os.O_RDWR) == 'yes' and os.path.exists(f'/proc/{pid}/comm'):
            try:
                if open(f'/proc/{pid}/comm').read() == 'crt-init\\n': found.add('mem')
            except OSError: pass
answer = sorted(found)`;

attack('a process that enters is looked at from the moment when it can be seen', async (t) => {
  const watched = async (options: Partial<RunOptions>, done: (found: readonly string[]) => boolean): Promise<readonly string[]> => {
    let found: readonly string[] = [];
    // Whether a look comes in time is luck: it is tried until one did.
    for (let round = 0; round < 10 && !done(found); round++) {
      let work: Promise<unknown> | undefined;
      const { stdout } = await contain(t, {
        command: ['python3', '-c', program(WATCH)],
        ...options,
        onStart: ({ name }) => {
          work = (async () => {
            for (let times = 0; times < 40; times++) await shell(name, ':');
            await shell(name, 'touch /tmp/stop');
          })();
        },
      });
      await work;
      found = JSON.parse(stdout.split('\n').at(-2) ?? '') as string[];
    }
    return found;
  };
  for (const userns of ['auto', 'host'] as const)
    t.deepEqual(await watched({ userns }, (found) => found.includes('seen')), ['seen'], userns);
  const open = await watched({ userns: 'host', capAdd: ['SYS_PTRACE'] }, (found) => found.includes('fd'));
  t.true(open.includes('exe') && open.includes('fd'), open.join());
});

/** What differs between any two processes. */
const OWN =
  /^(Pid|PPid|Tgid|NStgid|NSpid|NSpgid|NSsid|TracerPid|Vm\w+|Rss\w+|Hugetlb\w+|\w*_?ctxt_switches|Threads|SigQ|Mems_allowed\w*|State|FDSize|untag_mask):.*\n/gm;

const CASES: readonly Partial<RunOptions>[] = [
  {},
  { userns: 'host' },
  { privileged: true },
  { user: '1000:1000', groupAdd: [44], capAdd: ['NET_ADMIN'], capDrop: ['CHOWN'], ulimits: { nofile: [100, 200] } },
  { securityOpt: { noNewPrivileges: false } },
  { securityOpt: { seccomp: 'unconfined' }, network: 'host', init: true },
];
e2e('every line of /proc/self/status, the limits and the namespaces are those of PID 1', async (t) => {
  const look =
    'cat /proc/self/status /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup; readlink /proc/self/ns/*; env | sort; ulimit -a';
  for (const options of CASES) {
    const words = JSON.stringify(options);
    let further = '';
    const first = await contain(t, {
      ...options,
      input: undefined,
      command: ['sh', '-c', `${look}; while [ ! -e /tmp/stop ]; do sleep 0.05; done`],
      onStart: ({ name }) => {
        void shell(name, look)
          .then(async ({ stdout }) => {
            further = stdout;
            await shell(name, 'touch /tmp/stop');
          })
          .catch((error: unknown) => t.fail(String(error)));
      },
      timeout: 60_000,
    });
    t.regex(first.stdout, /^Seccomp_filters:\t\d/m, words);
    t.is(further.replace(OWN, ''), first.stdout.replace(OWN, ''), words);
  }
});
