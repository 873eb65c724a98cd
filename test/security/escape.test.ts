// Classes 1 (the runtime's own program overwritten), 11 (the entering process traced), 18 (chroot and the old root), 19 (devices),
// 20 (files of /proc and /sys), 24 (setuid files: see userns.test.ts and security-flags.test.ts too).

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { helperPath } from '../../src/launch/helper-path.js';
import { smallRootfs } from '../e2e/small-rootfs.js';
import { box, contain, crt, e2e, folder } from '../e2e/support.js';
import { attack, inside } from './attack.js';

const helper = helperPath();
const hashes = (): string[] => [helper, process.execPath].map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));

/** Every program of another that can be seen: looked at, and opened in each way that leads to writing it. */
const EXES = `
answer = []
for pid in sorted(int(name) for name in os.listdir('/proc') if name.isdigit()):
    if pid in (os.getpid(),): continue
    path = f'/proc/{pid}/exe'
    answer.append([pid, opens(path, os.O_PATH), opens(path, os.O_RDONLY), opens(path, os.O_WRONLY), opens(path, os.O_RDWR)])`;

attack('the program of PID 1, which is crt’s own with --init, can be neither looked at nor opened', async (t) => {
  const before = hashes();
  for (const userns of ['auto', 'host'] as const) {
    t.deepEqual(await inside(t, EXES, { init: true, userns }), [[1, 'EACCES', 'EACCES', 'EACCES', 'EACCES']], userns);
  }
  // With the right to trace it is there: what follows would be a wait for the moment when nobody runs it.
  const seen = await inside<string[][]>(t, EXES, { init: true, userns: 'host', capAdd: ['SYS_PTRACE'] });
  t.deepEqual(seen, [[1, 'yes', 'yes', 'ETXTBSY', 'ETXTBSY']] as unknown as string[][]);
  t.deepEqual(hashes(), before);
});

for (const init of [false, true]) {
  e2e(`an image whose command is "#!/proc/self/exe" runs the helper inside, and gains nothing (init: ${init})`, async (t) => {
    const before = hashes();
    const rootfs = await smallRootfs(t);
    for (const words of ['', ' run', ' kill 1 1', ' undo']) {
      writeFileSync(`${rootfs}/bin/start`, `#!/proc/self/exe${words}\n`, { mode: 0o755 });
      const result = await contain(t, { rootfs, init, command: ['start', '/bin/sh'], timeout: 5000 }).catch((error: Error) => error);
      t.true(result instanceof Error || result.exitCode !== 0, words);
    }
    t.deepEqual(hashes(), before);
  });
}

/** What is secret of a process that is not one's own: memory, environment, descriptors, and the right to trace it. */
const TRACE = `
def trace():
    ctypes.set_errno(0)
    return 'yes' if libc.ptrace(0x4206, 1, 0, 0) != -1 else errno.errorcode[ctypes.get_errno()]
answer = {name: opens('/proc/1/' + name, os.O_RDONLY) for name in ('mem', 'environ', 'maps', 'pagemap')}
answer['write'] = opens('/proc/1/mem', os.O_RDWR)
answer['fds'] = attempt(lambda: os.listdir('/proc/1/fd'))
answer['root'] = attempt(lambda: os.listdir('/proc/1/root/'))
answer['cwd'] = attempt(lambda: os.listdir('/proc/1/cwd/'))
answer['trace'] = trace()
answer['parent'] = open('/proc/1/status').read().split('PPid:')[1].split()[0]
answer['others'] = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]`;

attack('the reaper of crt at PID 1 cannot be traced or read, and its parent is not to be seen', async (t) => {
  const found = await inside<Record<string, unknown>>(t, TRACE, { init: true });
  t.deepEqual({ parent: found['parent'], others: found['others'] }, { parent: '0', others: [] });
  for (const name of ['mem', 'environ', 'write', 'fds', 'root', 'cwd', 'trace']) t.true(/EACCES|EPERM/.test(String(found[name])), name);
  const open = await inside<Record<string, unknown>>(t, TRACE, { init: true, capAdd: ['SYS_PTRACE'], userns: 'host' });
  for (const name of ['mem', 'write', 'fds', 'trace']) t.is(open[name], 'yes', `${name} with SYS_PTRACE`);
});

/** The classic: chroot below, then walk up from a folder that was opened before. */
const BREAK = `
def root(): status = os.stat('/'); return [status.st_dev, status.st_ino]
def climb():
    os.makedirs('/tmp/deeper', exist_ok=True)
    fd = os.open('/', os.O_RDONLY)
    os.chroot('/tmp/deeper')
    os.fchdir(fd)
    for _ in range(100): os.chdir('..')
    os.chroot('.')
before = root()
os.makedirs('/tmp/jail/tmp', exist_ok=True)
read, write = os.pipe()
if os.fork() == 0:
    # A chroot of this container's own making, which the same program breaks: it can climb.
    os.chroot('/tmp/jail'); os.chdir('/')
    jailed = root()
    outside = None
    climb()
    os.write(write, json.dumps([jailed != before, root() == before]).encode())
    os._exit(0)
os.wait()
control = json.loads(os.read(read, 100))
climb()
answer = [*control, root() == before, os.path.exists(HOST)]`;

attack('walking up out of the root ends at the root of the container', async (t) => {
  const marker = await folder(t);
  for (const userns of ['auto', 'host'] as const) {
    const text = `HOST = ${JSON.stringify(marker)}\n${BREAK}`.replace(
      "fd = os.open('/', os.O_RDONLY)",
      "fd = TOP if TOP >= 0 else os.open('/', os.O_RDONLY)",
    );
    // The jail is left by a descriptor from before it; the container has none.
    const jailed = text.replace(
      "os.chroot('/tmp/jail'); os.chdir('/')",
      "TOP = os.open('/', os.O_RDONLY); os.chroot('/tmp/jail'); os.chdir('/')",
    );
    t.deepEqual(await inside(t, `TOP = -1\n${jailed}`, { userns }), [true, true, true, false], userns);
  }
});

attack('a device node of the image is dead, in the rootfs and in a folder of the host', async (t) => {
  const place = await folder(t);
  const nodes = `${place}/nodes`;
  execFileSync('sh', [
    '-c',
    `mkdir ${nodes}; mknod -m 666 ${nodes}/zero c 1 5; mknod -m 666 ${nodes}/kmsg c 1 11; head -c 1 ${nodes}/zero`,
  ]);
  const text = "answer = [opens('/srv/nodes/zero', os.O_RDONLY), opens('/srv/nodes/kmsg', os.O_RDONLY)]";
  t.deepEqual(await inside(t, text, { mounts: [{ source: place, target: '/srv' }], userns: 'host' }), ['EACCES', 'EACCES']);
  const rootfs = await smallRootfs(t);
  execFileSync('mknod', ['-m', '666', `${rootfs}/zero`, 'c', '1', '5']);
  t.regex((await crt(t, ['run', box(t), '--rootfs', rootfs, '--', 'sh', '-c', ': < /zero'])).stderr, /denied/);
});

/** Every file with a bit for writing (root may open the others as well, which have nothing that takes it); nothing is written. */
const WRITABLE = `
import stat
def may(path):
    try: mode = os.lstat(path).st_mode
    except OSError: return False
    return stat.S_ISREG(mode) and mode & 0o222 != 0
answer = []
for top in TOPS:
    for folder, folders, files in os.walk(top):
        if folder == '/proc': folders[:] = [name for name in folders if not name.isdigit() and name not in ('self', 'thread-self')]
        answer += [path for path in (os.path.join(folder, name) for name in files) if may(path) and opens(path, os.O_WRONLY) == 'yes']`;

/** Masked: /dev/null lies there. */
const HARMLESS = /^\/proc\/(kcore|keys|latency_stats|timer_list|sched_debug|interrupts)$|^\/proc\/pressure\//;

attack('no file of /proc and /sys can be opened for writing, other than those of its own processes', async (t) => {
  for (const userns of ['auto', 'host'] as const) {
    const found = await inside<string[]>(t, `TOPS = ['/proc', '/sys']\n${WRITABLE}`, { userns });
    t.deepEqual(
      found.filter((path) => !HARMLESS.test(path)),
      [],
      userns,
    );
  }
  const open = await inside<string[]>(t, `TOPS = ['/proc/sys/kernel']\n${WRITABLE}`, { userns: 'host', securityOpt: { unmask: 'ALL' } });
  t.true(open.includes('/proc/sys/kernel/core_pattern'), 'unmasked, and without a user namespace, it is the host’s core_pattern');
});

attack('in a user namespace even the unmasked files of the kernel are the host’s', async (t) => {
  const open = await inside<string[]>(t, `TOPS = ['/proc/sys/kernel', '/proc/sys/vm', '/proc/sys/fs']\n${WRITABLE}`, {
    securityOpt: { unmask: 'ALL' },
  });
  t.deepEqual(
    open.filter((path) => /core_pattern|modprobe|sysrq|overcommit|binfmt|panic/.test(path)),
    [],
    open.join(' '),
  );
});

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

e2e('a setuid file in a folder of the host gives nothing, not even where setuid files of the image count', async (t) => {
  const place = await folder(t);
  chmodSync(place, 0o755);
  const text = `cp "$(command -v grep)" $0; chmod 4755 $0; ${NOBODY.join(' ')} $0 ^Uid /proc/self/status`;
  const as = async (file: string): Promise<string> => {
    const mounts = [{ source: place, target: '/srv' }];
    const { stdout } = await contain(t, {
      command: ['sh', '-c', text, file],
      mounts,
      securityOpt: { noNewPrivileges: false, setId: true },
    });
    return stdout;
  };
  t.is(await as('/srv/mine'), 'Uid:\t65534\t65534\t65534\t65534\n');
  t.is(statSync(`${place}/mine`).mode & 0o7777, 0o4755);
  t.is(await as('/var/mine'), 'Uid:\t65534\t0\t0\t0\n');
});

e2e('a setuid file that is left in a layer is out of reach of other users of the host', async (t) => {
  const place = await folder(t);
  chmodSync(place, 0o755);
  const [name, env] = [box(t), { CRT_LAYERS_DIR: `${place}/layers` }];
  const text = 'cp /bin/true /var/mine; chmod 4755 /var/mine';
  t.is((await crt(t, ['run', name, '--keep', '--userns', 'host', '--', 'sh', '-c', text], { env })).code, 0);
  const [layer = ''] = readdirSync(`${place}/layers`).filter((id) => id.startsWith(name));
  const file = `${place}/layers/${layer}/upper/var/mine`;
  const { mode, uid } = statSync(file);
  t.deepEqual([mode & 0o7777, uid], [0o4755, 0]);
  const [command = '', ...words] = [...NOBODY, 'test', '-e'];
  t.is(spawnSync(command, [...words, place]).status, 0);
  t.is(spawnSync(command, [...words, file]).status, 1);
  t.is((await crt(t, ['rm', name], { env })).code, 0);
});
