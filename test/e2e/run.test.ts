import { readlinkSync } from 'node:fs';
import { contain, e2e, script } from './support.js';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'];

e2e('the command is PID 1, and sees only its own processes', async (t) => {
  const { stdout, exitCode } = await script(t, 'echo $$ $PPID; echo /proc/[0-9]*');
  t.deepEqual(stdout.split('\n').slice(0, 2), ['1 0', '/proc/1']);
  t.is(exitCode, 0);
});

e2e('every namespace of the default set is its own', async (t) => {
  const { stdout } = await script(t, `for ns in ${NAMESPACES.join(' ')}; do readlink /proc/self/ns/$ns; done`);
  const inside = stdout.trim().split('\n');
  t.is(inside.length, NAMESPACES.length);
  const outside = NAMESPACES.map((ns) => readlinkSync(`/proc/self/ns/${ns}`));
  for (const [at, ns] of outside.entries()) {
    t.is(inside[at]?.split(':')[0], NAMESPACES[at]);
    t.not(inside[at], ns);
  }
});

e2e('the hostname is the name of the container, or what --hostname says', async (t) => {
  const own = await script(t, 'cat /proc/sys/kernel/hostname /etc/hostname; echo $HOSTNAME');
  t.is(own.stdout, `${own.name}\n`.repeat(3));
  const asked = await script(t, 'cat /proc/sys/kernel/hostname /etc/hostname; grep -c "other.example" /etc/hosts', {
    hostname: 'other.example',
  });
  t.is(asked.stdout, 'other.example\nother.example\n1\n');
});

e2e('the loopback interface is up: a connection to 127.0.0.1 arrives', async (t) => {
  const listener = `
import socket, threading
server = socket.create_server(("127.0.0.1", 8080))
threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"), daemon=True).start()
print(socket.create_connection(("127.0.0.1", 8080), 5).recv(9).decode(), [name for _, name in socket.if_nameindex()])
`;
  const { stdout, stderr } = await contain(t, { command: ['/usr/bin/python3', '-c', listener] });
  t.is(stdout, "hello ['lo']\n", stderr);
});

e2e('without a command it is a shell', async (t) => {
  const { stdout, command } = await contain(t, { input: 'echo $0; exit 3\n' });
  t.regex(stdout, /^\/bin\/(ba)?sh$/m);
  t.deepEqual(command, stdout.trim().split('\n'));
});

e2e('the working directory is made, and is where the command starts', async (t) => {
  const { stdout } = await script(t, 'pwd; stat -c %a:%U .', { cwd: '/work/deep/down' });
  t.is(stdout, '/work/deep/down\n755:root\n');
});

e2e('the environment is what was given, and the few variables of crt', async (t) => {
  process.env['CRT_TEST_SECRET'] = 'of the host';
  t.teardown(() => delete process.env['CRT_TEST_SECRET']);
  const { stdout, name } = await contain(t, {
    command: ['env', '-0'],
    env: { A: '1=2', EMPTY: '', TEXT: 'two\nlines "quoted" ü', __proto__x: 'y' },
  });
  const variables = Object.fromEntries(
    stdout
      .split('\0')
      .filter(Boolean)
      .map((entry) => entry.split(/=(.*)/s).slice(0, 2)),
  );
  t.deepEqual(variables, {
    A: '1=2',
    EMPTY: '',
    TEXT: 'two\nlines "quoted" ü',
    __proto__x: 'y',
    HOME: '/root',
    HOSTNAME: name,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  });
});

const WHO = 'id -u; id -g; id -G; echo $HOME';
const users = [
  { user: 'nobody', says: '65534\n65534\n65534\n/nonexistent\n' },
  { user: '1', says: '1\n1\n1\n/usr/sbin\n' },
  { user: '12345', says: '12345\n0\n0\n/\n' },
  { user: '12345:6789', says: '12345\n6789\n6789\n/\n' },
  { user: 'daemon:tty', says: '1\n5\n5\n/usr/sbin\n' },
  { user: 'nobody:1', says: '65534\n1\n1\n/nonexistent\n' },
];
for (const { user, says } of users) {
  e2e(`user ${user}`, async (t) => {
    t.is((await script(t, WHO, { user })).stdout, says);
  });
}

for (const user of ['no-such-user', 'root:no-such-group']) {
  e2e(`user ${user} is an error that says so`, async (t) => {
    const error = await t.throwsAsync(script(t, WHO, { user }));
    t.regex(error?.message ?? '', /step \d+ \(user .*no-such.*\) failed/);
    t.regex(error?.message ?? '', /: no (user|group) of this name in the container's \/etc\/(passwd|group)/);
  });
}

const endings: readonly (readonly [command: string, code: number, signal: NodeJS.Signals | undefined])[] = [
  ['exit 0', 0, undefined],
  ['exit 1', 1, undefined],
  ['exit 255', 255, undefined],
  ["trap 'exit 9' TERM; kill -TERM $$", 9, undefined],
];
for (const [command, code, signal] of endings) {
  e2e(`the exit code of: ${command}`, async (t) => {
    const result = await script(t, command);
    t.like(result, {
      exitCode: code,
      signal,
      failed: code !== 0,
      reason: 'exit',
      timedOut: false,
      isCanceled: false,
      oomKilled: false,
      oomKills: 0,
    });
  });
}

e2e('a signal that ends PID 1 is in the result', async (t) => {
  // A program's own fault is not ignored, not even by PID 1 (pid_namespaces(7)).
  const { exitCode, signal, reason, isTerminated } = await contain(t, {
    command: ['/usr/bin/python3', '-c', 'import ctypes; ctypes.string_at(0)'],
  });
  t.deepEqual([exitCode, signal, reason, isTerminated], [139, 'SIGSEGV', 'signal', true]);
});

e2e('times and memory of the command are measured', async (t) => {
  const { usage, durationMs } = await contain(t, {
    command: ['sh', '-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'],
    memory: 50 * 1024 ** 2,
  });
  t.true(usage.cpuUserMs > 10 && usage.cpuUserMs + usage.cpuSystemMs <= durationMs + 20, JSON.stringify(usage));
  t.is(usage.memoryLimit, 52428800);
  t.true(usage.peakMemory !== undefined && usage.peakMemory > 4096 && usage.peakMemory <= 52428800);
});
