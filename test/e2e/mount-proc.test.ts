import test, { type ExecutionContext } from 'ava';
import type { RunOptions } from '../../src/index.js';
import type { MountOption } from '../../src/options.js';
import { CALLS_ENV, callsMount } from './mount-calls.js';
import { contain, e2e, host, ptyTest, script } from './support.js';

/** Runs Python with the module of mount-calls.ts; answers what it printed last, as JSON. */
async function ask(t: ExecutionContext, text: string, options: Partial<RunOptions> = {}): Promise<unknown> {
  const mounts = [await callsMount(t), ...(options.mounts ?? [])];
  const command = ['python3', '-c', `from calls import *\n${text}`];
  const { stdout, stderr } = await contain(t, { env: CALLS_ENV, ...options, command, mounts });
  try {
    return JSON.parse(stdout);
  } catch {
    return `${stdout}${stderr}`;
  }
}

/** Calls by name, each as Python; answers name → answer, and fails when one of them has changed the mount table. */
async function askAll(t: ExecutionContext, before: string, calls: Record<string, string>, options?: Partial<RunOptions>): Promise<unknown> {
  const lines = Object.entries(calls).map(([name, call]) => `answers[${JSON.stringify(name)}] = ${call}`);
  const text = ['before = table()', before, 'answers = {}', ...lines, 'answers["table"] = table() == before', 'print(json.dumps(answers))'];
  return ask(t, text.join('\n'), options);
}

function all(calls: Record<string, string>, answer: string): Record<string, unknown> {
  return { ...Object.fromEntries(Object.keys(calls).map((name) => [name, answer])), table: true };
}

const TYPED = `
before=$(cat /proc/self/mountinfo)
mount -t proc proc /proc; echo "code $?"
[ "$before" = "$(cat /proc/self/mountinfo)" ] && echo same
wc -c < /proc/keys
echo x > /proc/sys/kernel/domainname
cat /proc/1/comm`;

e2e('mount -t proc proc /proc succeeds, and leaves /proc as it was: masked, read-only, its own', async (t) => {
  const { stdout, stderr } = await script(t, TYPED);
  t.is(stdout, 'code 0\nsame\n0\nsh\n');
  t.regex(stderr, /Read-only file system/);
});

ptyTest('it does so for every user, below a reaper, with a terminal, and with room for one open file', async (t) => {
  const line = 'mount -t proc proc /proc; echo "code $?"';
  t.is((await script(t, line, { init: true })).stdout, 'code 0\n');
  t.is((await script(t, line, { tty: true })).stdout, 'code 0\r\n');
  t.is(await ask(t, 'print(json.dumps(mount()))', { user: '4711:4711' }), 'yes');
  t.is((await script(t, 'echo up', { ulimits: { nofile: [4, 4] } })).stdout, 'up\n');
});

const SAME: Record<string, string> = {
  plain: 'mount()',
  'another source': 'mount(source=b"/dev/sda")',
  'no source': 'mount(source=None)',
  'empty data': 'mount(data=b"")',
  restricted: 'mount(flags=2 | 4 | 8)',
  silent: 'mount(flags=0x8000)',
  'the magic of old programs': 'mount(flags=0xc0ed0000 | 2)',
  'a trailing slash': 'mount(b"/proc/")',
  'relative to /': 'child(lambda: os.chdir("/"), lambda: mount(b"proc"))',
  'relative to /proc': 'child(lambda: os.chdir("/proc"), lambda: mount(b"."))',
  'as the root of a chroot': 'child(lambda: os.chroot("/proc"), lambda: mount(b"/"))',
};

e2e('what asks for the same in other words is answered with success', async (t) => {
  t.deepEqual(await askAll(t, 'os.stat("/tmp")', SAME), all(SAME, 'yes'));
});

const LOOKALIKES: Record<string, string> = {
  'type tmpfs': 'mount(type=b"tmpfs")',
  'type pro': 'mount(type=b"pro")',
  'type proc2': 'mount(type=b"proc2")',
  'type PROC': 'mount(type=b"PROC")',
  'empty type': 'mount(type=b"")',
  'long type': 'mount(type=b"proc" * 5)',
  'type sysfs on /sys': 'mount(b"/sys", type=b"sysfs")',
  'no type': 'mount(type=None)',
  'type nowhere': 'mount(type=1)',
  'type in the kernel': 'mount(type=0xffffffff81000000)',
  'target /': 'mount(b"/")',
  'target /tmp': 'mount(b"/tmp")',
  'target /proc/self': 'mount(b"/proc/self")',
  'target /proc/1': 'mount(b"/proc/1")',
  'target /proc/sys': 'mount(b"/proc/sys")',
  'target /proc/keys': 'mount(b"/proc/keys")',
  'target missing': 'mount(b"/missing")',
  'target empty': 'mount(b"")',
  'no target': 'mount(None)',
  'target nowhere': 'mount(1)',
  'by a magic link': 'mount(b"/proc/self/root/proc")',
  'by a link': 'mount(b"/links/to")',
  'by a link and a slash': 'mount(b"/links/to/")',
  'by a link on the way': 'mount(b"/links/up/proc")',
  'relative to /tmp': 'child(lambda: os.chdir("/tmp"), lambda: mount(b"proc"))',
  'up from /tmp': 'child(lambda: os.chdir("/tmp"), lambda: mount(b"../proc"))',
  'up from /proc': 'child(lambda: os.chdir("/proc"), lambda: mount(b".."))',
  'in a chroot with another /proc': 'child(lambda: os.chroot("/tmp/jail"))',
  'up out of a chroot': 'child(lambda: os.chroot("/tmp/jail"), lambda: mount(b"/../../proc"))',
  "the host's procfs": 'mount(b"/hosts-proc")',
  data: 'mount(data=b"hidepid=2")',
  'data nowhere': 'mount(data=1)',
  MS_RDONLY: 'mount(flags=1)',
  MS_REMOUNT: 'mount(flags=32)',
  'MS_REMOUNT|MS_BIND': 'mount(flags=32 | 4096)',
  MS_BIND: 'mount(flags=4096)',
  MS_MOVE: 'mount(flags=8192)',
  MS_NOATIME: 'mount(flags=1024)',
  MS_PRIVATE: 'mount(flags=1 << 18)',
  'a flag of no kernel': 'mount(flags=1 << 40)',
  'half of the magic': 'mount(flags=0xc0ec0000)',
};
/** The links lie in memory and have been followed before: a look-up by RESOLVE_CACHED has no other reason to give up on them. */
const PLACES = `
os.symlink('/proc', '/links/to')
os.symlink('/', '/links/up')
os.stat('/links/to/.'), os.stat('/links/up/proc/.')
os.makedirs('/tmp/jail/proc')`;

e2e('what asks for anything else is refused, and the mount table stays as it is', async (t) => {
  const mounts: MountOption[] = [
    { source: '/proc', target: '/hosts-proc' },
    { type: 'tmpfs', target: '/links' },
  ];
  t.deepEqual(await askAll(t, PLACES, LOOKALIKES, { mounts, userns: 'host' }), all(LOOKALIKES, 'EPERM'));
});

/** Strings of 5 and 6 bytes at the edges of memory. */
const EDGES = {
  yes: {
    'type across pages': 'mount(type=put(two + 4096 - 2, b"proc\\0"))',
    'target across pages': 'mount(put(two + 4096 - 3, b"/proc\\0"))',
    'type up to the last byte': 'mount(type=put(two + 8192 - 5, b"proc\\0"))',
    'target up to the last byte': 'mount(put(two + 8192 - 6, b"/proc\\0"))',
    'a path of 4095 bytes': 'mount(b"/" * 4091 + b"proc")',
    'in a page that was never read': 'mount(libc.mmap(None, 4096, 1, 2, file, 0))',
  },
  EPERM: {
    'type without an end': 'mount(type=put(two + 8192 - 4, b"proc"))',
    'target without an end': 'mount(put(two + 8192 - 5, b"/proc"))',
    'a path of 4096 bytes': 'mount(b"/" * 4092 + b"proc")',
    'a path that ends too late': 'mount(put(two, b"/" * 4091 + b"proc" + b"/" * 100))',
    'in a page that may not be read': 'mount(shut)',
    'in a page beyond its file': 'mount(libc.mmap(None, 4096, 1, 2, file, 4096))',
  },
};
const MEMORY = `
two, shut = pages(2), put(pages(1), b'/proc\\0')
libc.mprotect(shut, 4096, 0)
with open('/tmp/file', 'wb') as made: made.write(b'/proc\\0')
file = os.open('/tmp/file', os.O_RDONLY)`;

e2e('strings are read to their end wherever they lie, and no further', async (t) => {
  const expected = { ...all(EDGES.yes, 'yes'), ...all(EDGES.EPERM, 'EPERM') };
  t.deepEqual(await askAll(t, MEMORY, { ...EDGES.yes, ...EDGES.EPERM }), expected);
});

e2e('threads and children are answered like PID 1', async (t) => {
  const text = `
import threading
answers = []
def several():
    for _ in range(50): answers.append(mount())
    answers.append(mount(b'/tmp'))
threads = [threading.Thread(target=several) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
children = [child(lambda: None) for _ in range(20)] + [child(lambda: None, lambda: mount(b'/tmp'))]
print(json.dumps([answers.count('yes'), answers.count('EPERM'), children.count('yes'), children.count('EPERM')]))`;
  t.deepEqual(await ask(t, text), [400, 8, 20, 1]);
});

e2e('strings that change during the call: each answer is one of the two, and nothing is mounted', async (t) => {
  const text = `
import mmap, signal
from collections import Counter
before = table()
shared = mmap.mmap(-1, 4096)
place = ctypes.addressof(ctypes.c_char.from_buffer(shared))
flipper = os.fork()
if flipper == 0:
    while True:
        shared[0:6], shared[64:70] = b'proc\\0\\0', b'/proc\\0'
        shared[0:6] = b'tmpfs\\0'
        shared[0:6], shared[64:70] = b'proc\\0\\0', b'/tmp\\0\\0'
answers = Counter(mount(place + 64, type=place) for _ in range(20000))
os.kill(flipper, signal.SIGKILL)
print(json.dumps([sorted(answers), min(answers.values()) > 20, table() == before]))`;
  t.deepEqual(await ask(t, text), [['EPERM', 'yes'], true, true]);
});

const onX64 = host.uid === 0 && host.arch === 'x64' ? test : test.skip;
onX64('mount(2) by the numbers of x32 and i386 is not there, and is not answered', async (t) => {
  // mov eax, 21; int 0x80; ret
  const text = `
code = libc.mmap(None, 4096, 7, 0x22, -1, 0)
put(code, bytes([0xb8, 21, 0, 0, 0, 0xcd, 0x80, 0xc3]))
print(json.dumps([mount(number=MOUNT | 0x40000000), errno.errorcode[-ctypes.CFUNCTYPE(ctypes.c_int)(code)()]]))`;
  t.deepEqual(await ask(t, text), ['ENOSYS', 'ENOSYS']);
});
