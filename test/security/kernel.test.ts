// Classes 15 (typing into the caller's terminal), 16 (cgroups of version 1), 17 (the kernel's calls), 21 (keyrings, abstract sockets).
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { RunOptions } from '../../src/options.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { Shell } from '../e2e/pty.js';
import { box, CRT, folder, host, MIB, needingPty, ROOTFS } from '../e2e/support.js';
import { until } from '../in-time.js';
import { attack, attackX64, execute, inside, PYTHON, program } from './attack.js';

const numbers = syscallNumbers(host.arch === 'x64' ? 'x86_64' : 'aarch64');
const nr = (name: string): number => numbers.get(name) ?? -1;

/** Each with arguments that do nothing where it is let through: bad descriptors, no memory, no such flag. */
const REFUSED: Record<string, string> = {
  ...Object.fromEntries(
    [
      'add_key',
      'bpf',
      'delete_module',
      'fanotify_mark',
      'finit_module',
      'get_mempolicy',
      'init_module',
      'io_uring_enter',
      'io_uring_register',
    ]
      .concat(['io_uring_setup', 'kcmp', 'kexec_load', 'keyctl', 'mbind', 'migrate_pages', 'move_pages', 'name_to_handle_at', 'nfsservctl'])
      .concat([
        'open_by_handle_at',
        'perf_event_open',
        'pidfd_getfd',
        'process_madvise',
        'process_vm_readv',
        'process_vm_writev',
        'quotactl',
      ])
      .concat(['request_key', 'set_mempolicy', 'setns', 'swapoff', 'swapon', 'syslog', 'umount2', 'userfaultfd', 'vhangup'])
      .filter((name) => numbers.has(name))
      .map((name) => [name, `call(${nr(name)}, -1, -1, -1, -1, -1)`]),
  ),
  'unshare of nothing': `call(${nr('unshare')}, 0)`,
  'clone into a user namespace': `call(${nr('clone')}, 0x10000000 | 0x800, 0, 0, 0, 0)`,
  'socket AF_ALG': `call(${nr('socket')}, 38, 5, 0)`,
  'socket AF_VSOCK': `call(${nr('socket')}, 40, 1, 0)`,
  'socket of a high family': `call(${nr('socket')}, 44, 1, 0)`,
  'personality without randomisation': `call(${nr('personality')}, 0x40000)`,
  TIOCSTI: `call(${nr('ioctl')}, -1, 0x5412, 0)`,
  'TIOCSTI with high bits': `call(${nr('ioctl')}, -1, 0x100005412, 0)`,
  TIOCLINUX: `call(${nr('ioctl')}, -1, 0x541c, 0)`,
};
const MISSING: Record<string, string> = Object.fromEntries(
  ['clone3', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'open_tree', 'move_mount', 'mount_setattr', 'statmount', 'listmount']
    .filter((name) => numbers.has(name))
    .map((name) => [name, `call(${nr(name)}, -1, -1, -1, -1, -1)`]),
);

function probes(calls: Record<string, string>): string {
  return `answer = {${Object.entries(calls)
    .map(([name, text]) => `${JSON.stringify(name)}: ${text}`)
    .join(', ')}}`;
}

const UNCONFINED: Partial<RunOptions> = { securityOpt: { seccomp: 'unconfined' } };

attack('each call of the list is refused by the filter, and without it the kernel has another answer', async (t) => {
  t.deepEqual(await inside(t, probes(REFUSED)), Object.fromEntries(Object.keys(REFUSED).map((name) => [name, 'EPERM'])));
  t.deepEqual(await inside(t, probes(MISSING)), Object.fromEntries(Object.keys(MISSING).map((name) => [name, 'ENOSYS'])));
  // What capabilities or the kernel's configuration refuse as well says the same.
  const bare = await inside<Record<string, string>>(t, probes(REFUSED), UNCONFINED);
  const teeth = Object.entries(bare).filter(([, answer]) => answer !== 'EPERM' && answer !== 'ENOSYS');
  t.log('let through without the filter:', teeth.map(([name]) => name).join(' '));
  t.true(teeth.length >= 12, JSON.stringify(bare));
  t.true(
    teeth.some(([name]) => name === 'keyctl' || name === 'add_key') && teeth.some(([name]) => name === 'TIOCSTI'),
    JSON.stringify(bare),
  );
  const fromRoot = await inside<Record<string, string>>(t, probes(MISSING), { ...UNCONFINED, capAdd: ['SYS_ADMIN'] });
  t.true(Object.values(fromRoot).some((answer) => answer !== 'ENOSYS'));
});

/** mov eax, number; int 0x80; ret; in memory that may be executed. */
const I386 = `
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def i386(number):
    code = libc.mmap(None, 4096, 7, 0x22, -1, 0)
    text = b'\\xb8' + number.to_bytes(4, 'little') + b'\\xcd\\x80\\xc3'
    ctypes.memmove(code, text, len(text))
    return ctypes.CFUNCTYPE(ctypes.c_int)(code)()
# The last is getpid: the kernel looks at 32 bits of a number. getpid, mount, unshare, keyctl of i386; getpid of x32; numbers at the edges
answer = [i386(n) for n in (20, 21, 310, 288)] + [call(0x40000000 + 39), call(0x40000000 + 512), call(-1), call(2**31), call(2**32 + 39)]`;

attackX64('no call of i386 or x32 is there, not even getpid', async (t) => {
  const answers = await inside<(number | string)[]>(t, I386);
  t.deepEqual(answers.slice(0, 8), [-38, -38, -38, -38, 'ENOSYS', 'ENOSYS', 'EPERM', 'ENOSYS'], JSON.stringify(answers));
  const [bare] = await inside<number[]>(t, I386, UNCONFINED);
  if (bare !== -38) t.is(bare, 1, 'without the filter i386 has getpid');
});

attack('a namespace of its own would give root inside all capabilities: no way into one', async (t) => {
  const text = `
def made(act):
    if os.fork() == 0: os._exit(0 if act() == 'yes' else 1)
    return os.waitstatus_to_exitcode(os.wait()[1]) == 0
answer = [made(lambda: call(${nr('unshare')}, flag)) for flag in (0x10000000, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x40000000, 0x20000000, 0x80)]`;
  t.deepEqual(
    await inside(t, text),
    Array.from({ length: 8 }, () => false),
  );
  t.true((await inside<boolean[]>(t, text, UNCONFINED))[0], 'without the filter a user namespace is to be had');
});

/** Raising the own limit, by all that is known: the files that are shown, a mount of the hierarchy, a remount. */
const RAISE = `
import glob, subprocess
def write(path):
    try:
        with open(path, 'w') as file: file.write('1073741824')
        return True
    except OSError: return False
shown = glob.glob('/sys/fs/cgroup/**/memory.limit_in_bytes', recursive=True) + glob.glob('/sys/fs/cgroup/**/memory.max', recursive=True)
agents = glob.glob('/sys/fs/cgroup/**/release_agent', recursive=True)
os.makedirs('/tmp/cg', exist_ok=True)
def run(*words): return subprocess.run(words, capture_output=True).returncode == 0
shown = [os.path.realpath(path) for path in shown]
remounted = run('mount', '-o', 'remount,bind,rw', os.path.dirname(shown[0])) if shown else False
mounted = run('mount', '-t', 'cgroup', '-o', 'memory', 'cgroup', '/tmp/cg') or run('mount', '-t', 'cgroup2', 'cgroup2', '/tmp/cg')
for path in shown + ['/tmp/cg/memory.limit_in_bytes']: write(path.replace('.limit', '.memsw.limit'))
raised = [path for path in shown + glob.glob('/tmp/cg/memory.limit_in_bytes') + glob.glob('/tmp/cg/memory.max') if write(path)]
answer = {'shown': len(shown) > 0, 'agents': len(agents), 'remounted': remounted, 'mounted': mounted, 'raised': len(raised) > 0}`;

attack('the own limit is not raised, and no cgroup file is written or mounted anew', async (t) => {
  const refused = { shown: true, agents: 0, remounted: false, mounted: false, raised: false };
  t.deepEqual(await inside(t, RAISE, { memory: 64 * MIB }), refused);
  t.deepEqual(await inside(t, RAISE, { memory: 64 * MIB, userns: 'host' }), refused);
  const open = { memory: 64 * MIB, userns: 'host', capAdd: ['SYS_ADMIN'], securityOpt: { seccomp: 'unconfined' } } as const;
  t.true((await inside<{ raised: boolean }>(t, RAISE, open)).raised, 'with SYS_ADMIN and no filter it is: the attack is real');
});

/** KEYCTL_GET_KEYRING_ID, KEYCTL_SEARCH of the session keyring; a key of type `user`. */
const KEYS = `
libc.syscall.restype = ctypes.c_long
def key(number, *arguments):
    ctypes.set_errno(0)
    answer = libc.syscall(ctypes.c_long(number), *arguments)
    return answer if answer != -1 else errno.errorcode[ctypes.get_errno()]
long = ctypes.c_long
find = lambda: key(${nr('keyctl')}, long(10), long(-3), ctypes.c_char_p(b'user'), ctypes.c_char_p(b'crt-test-secret'), long(0))`;

attack('a key of the caller is not found inside: the keyring is another one', async (t) => {
  // A session keyring with a key, and in it whatever is started: the look itself, or crt.
  const caller = `${KEYS}
key(${nr('keyctl')}, long(1), ctypes.c_char_p(None))
made = key(${nr('add_key')}, ctypes.c_char_p(b'user'), ctypes.c_char_p(b'crt-test-secret'), ctypes.c_char_p(b'hidden'), long(6), long(-3))
if isinstance(made, str): print('null'); sys.exit()
os.execv(sys.argv[1], sys.argv[1:])`;
  const look = program(`${KEYS}\nanswer = 'found' if isinstance(find(), int) else find()`);
  const from = async (...words: string[]): Promise<unknown> => {
    const child = execute(PYTHON, ['-c', program(caller), ...words, 'python3', '-c', look], {
      env: { ...process.env, CRT_ROOTFS: ROOTFS },
    });
    child.child.stdin?.end();
    return JSON.parse((await child).stdout);
  };
  const bare = await from('/usr/bin/env');
  if (bare === null) return t.log('this kernel has no keys');
  t.is(bare, 'found');
  t.is(await from(...CRT, 'run', box(t), '--'), 'EPERM');
  t.is(await from(...CRT, 'run', box(t), '--userns', 'host', '--security-opt', 'seccomp=unconfined', '--'), 'ENOKEY');
});

const LISTEN = `
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind('\\0' + sys.argv[1])
server.listen(5)
print('listening', flush=True)
time.sleep(60)`;

attack('an abstract socket of the host is not there, unless the network is the host’s', async (t) => {
  const name = box(t);
  const server = spawn(PYTHON, ['-c', LISTEN, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => server.kill('SIGKILL'));
  await until(server.stdout, 'listening\n');
  const text = `
peer = socket.socket(socket.AF_UNIX)
answer = attempt(lambda: peer.connect('\\0${name}'))`;
  t.is(await inside(t, text), 'ECONNREFUSED');
  t.is(await inside(t, text, { network: 'host' }), 'yes');
});

/** Types a command into every terminal that is open, or named. */
const TYPE = `
import fcntl
def inject(fd):
    for letter in 'echo in""jected\\n': fcntl.ioctl(fd, 0x5412, letter.encode())
def by_name(): inject(os.open('/dev/tty', os.O_RDWR))
answer = [attempt(lambda: inject(fd)) for fd in (0, 1, 2)] + [attempt(by_name), attempt(lambda: fcntl.ioctl(0, 0x541c, b'\\3'))]`;

needingPty(attack)('nothing is typed into the terminal of the caller', async (t) => {
  const place = await folder(t);
  writeFileSync(`${place}/type.py`, program(TYPE));
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  for (const flags of ['-t', '-t=false', '-t --privileged', '-t=false --privileged --userns host']) {
    shell.type(`${Shell.run} ${box(t)} ${flags} -v ${place}:/srv -- python3 /srv/type.py; sleep 0.2; echo en""ded\r`);
    const [during] = await shell.see(/[\s\S]*\nended\r[\s\S]*?HOST> /);
    t.regex(during, /\["\w+", /, 'it ran');
    shell.type('echo che""cked\r');
    const [after] = await shell.see(/[\s\S]*\nchecked\r[\s\S]*?HOST> /);
    t.notRegex(during + after, /injected/, flags);
  }
  // On the terminal itself the same program types.
  shell.type(`/usr/bin/python3 ${place}/type.py\r`);
  await shell.see(/injected/);
  t.pass();
});
