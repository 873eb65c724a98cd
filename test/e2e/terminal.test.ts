import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { run } from '../../src/index.js';
import { Shell } from './pty.js';
import { box, contain, crt, descendants, ptySerial, ptyTest, ROOTFS } from './support.js';

/** A prompt that is not what was typed. */
const PROMPT = "bind 'set enable-bracketed-paste off'; PS1='IN'SIDE'> '";

async function enter(shell: Shell, name: string, flags = ''): Promise<void> {
  await shell.see(/HOST> /);
  shell.type(`${Shell.run} ${name} ${flags} -- bash --norc --noprofile\r`);
  await shell.see(/bash-[\d.]+# /);
  shell.type(`${PROMPT}\r`);
  await shell.see(/INSIDE> /);
}

ptyTest('the terminal inside has a path, the right size, and bash has job control', async (t) => {
  const shell = new Shell(t, { columns: 77, rows: 33 });
  await enter(shell, box(t));
  shell.type('tty; stty size; echo $$\r');
  await shell.see(/\n\/dev\/(pts\/\d+|console)\r\n33 77\r\n1\r\n/);
  shell.type('sleep 1000 &\r');
  await shell.see(/\[1\] \d+/);
  shell.type('jobs\r');
  await shell.see(/\[1\]\+\s+Running\s+sleep 1000 &/);
  shell.type('fg\r');
  await shell.see(/\nsleep 1000\r\n/);
  await shell.foreground('sleep');
  shell.type('\x1a');
  await shell.see(/\[1\]\+\s+Stopped\s+sleep 1000/);
  shell.type('fg\r');
  await shell.see(/\nsleep 1000\r\n/);
  await shell.foreground('sleep');
  shell.type('\x03');
  await shell.see(/INSIDE> /);
  shell.type('echo "code $?"\r');
  await shell.see(/\ncode 130\r\n/);
  shell.type('exit 5\r');
  await shell.see(/HOST> /);
  t.is(await shell.code(), 5);
});

ptyTest('a resize reaches the container with its signal', async (t) => {
  const shell = new Shell(t);
  await enter(shell, box(t));
  shell.type('trap "stty size" WINCH; echo set\r');
  await shell.see(/\nset\r\n/);
  shell.resize(91, 41);
  shell.type('\r');
  await shell.see(/41 91\r\n/);
  shell.type('exit\r');
  await shell.see(/HOST> /);
  t.is(await shell.host('stty size'), '41 91');
});

ptyTest('the modes of the terminal are the same after an exit, and what was set inside is gone', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  const before = await shell.host('stty -g');
  t.regex(before, /^[0-9a-f:]+$/);
  shell.type(`${Shell.run} ${box(t)} -- sh -c 'stty raw -echo; echo in""side'\r`);
  await shell.see(/inside/);
  await shell.see(/HOST> /);
  t.is(await shell.host('stty -g'), before);
});

ptyTest('after a start that fails, too', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  const before = await shell.host('stty -g');
  shell.type(`${Shell.run} ${box(t)} -- no-such-command\r`);
  await shell.see(/there is no command/);
  await shell.see(/HOST> /);
  t.is(await shell.host('stty -g; echo'), before);
});

for (const [victim, comm] of [
  ['the monitor', 'crt-init'],
  ['node', 'node'],
] as const) {
  ptyTest(`after kill -9 of ${victim}, too, and the container is gone`, async (t) => {
    const shell = new Shell(t);
    const name = box(t);
    await shell.see(/HOST> /);
    const before = await shell.host('stty -g');
    await enterAgain(shell, name);
    const [pid] = descendants(comm, shell.pid).filter((candidate) => readFileSync(`/proc/${candidate}/cmdline`, 'utf8').includes('run'));
    if (pid === undefined) throw new Error(`no ${comm}`);
    const monitors = descendants('crt-init', shell.pid);
    process.kill(pid, 'SIGKILL');
    await shell.see(/HOST> /);
    // Until it is gone the monitor may still read what is typed.
    await settled(async () => monitors.every((monitor) => !existsSync(`/proc/${monitor}`)));
    // Whoever restores it may do so a moment after the shell has its prompt back.
    await settled(async () => (await shell.host('stty -g')) === before);
    t.is(await shell.host('stty -g'), before);
    await settled(async () => descendants('bash', shell.pid).length === 0);
    // The name is free: at once, or repaired by this run.
    t.is((await run({ name, rootfs: ROOTFS, command: ['echo', 'again'] })).stdout, 'again\n');
  });
}

async function enterAgain(shell: Shell, name: string): Promise<void> {
  shell.type(`${Shell.run} ${name} -- bash --norc --noprofile\r`);
  await shell.see(/bash-[\d.]+# /);
}

/** Looks again until it holds, for two seconds: then the caller's own assertion says what is wrong. */
async function settled(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 2000; Date.now() < deadline && !(await holds()); )
    await new Promise((resolve) => setTimeout(resolve, 20));
}

ptyTest('Ctrl-C goes as a byte to the foreground process, and only there', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  shell.type(`${Shell.run} ${box(t)} -- sh -c 'trap "echo ca""ught" INT; echo re""ady; while :; do sleep 0.1; done'\r`);
  await shell.see(/ready/);
  shell.type('\x03');
  await shell.see(/caught/);
  shell.type('\x03');
  await shell.see(/caught/);
  // SIGQUIT is one that this PID 1 does not handle. While it forks it blocks all, and for all that is known handles what it gets then.
  const isOver = shell.see(/HOST> /);
  const again = setInterval(() => shell.type('\x1c'), 50);
  await isOver.finally(() => clearInterval(again));
  t.is(await shell.code(), 131);
});

for (const [program, start, quit] of [
  ['vi', /~\r?\n|~\x1b|\x1b\[[\d;]*H~|~/, ':q!\r'],
  ['less', /root:x:0:0/, 'q'],
  ['top', /load average/, 'q'],
] as const) {
  ptyTest(`${program} starts and quits`, async (t) => {
    const shell = new Shell(t);
    await enter(shell, box(t));
    shell.type(`${program} ${program === 'top' ? '' : '/etc/passwd'}; echo "left $?"\r`);
    await shell.see(start);
    shell.type(quit);
    await shell.see(/left 0/);
    shell.type('exit\r');
    await shell.see(/HOST> /);
    t.is(await shell.code(), 0);
  });
}

ptyTest('with stdout in a pipe there is no terminal; with -t there is one', async (t) => {
  const show = ['--', 'sh', '-c', 'tty; [ -t 1 ] && echo terminal'];
  t.is((await crt(t, ['run', box(t), ...show])).stdout, 'not a tty\n');
  const forced = await crt(t, ['run', box(t), '-t', ...show]);
  t.regex(forced.stdout, /^\/dev\/(pts\/\d+|console)\r\nterminal\r\n$/);
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  t.is(await shell.host(`${Shell.run} ${box(t)} --no-tty -- sh -c 'tty; [ -t 1 ] || echo none' 2>/dev/null </dev/null`), 'not a tty\nnone');
});

ptyTest('the caller’s terminal cannot be typed into from inside', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  const name = box(t);
  shell.type(`${Shell.run} ${name} --no-tty -- sh -c 'ls -l /proc/1/fd; echo do""ne'\r`);
  const [listing] = await shell.see(/[\s\S]*?done/);
  t.notRegex(listing, /-> \/dev\/(pts\/\d|tty)/);
  await shell.see(/HOST> /);
});

ptyTest('library: a terminal of the size that was asked for, stderr in it too, input by keys', async (t) => {
  const { stdout, stderr, exitCode } = await contain(t, {
    command: ['sh', '-c', 'stty -echo; stty size; tty; echo error >&2; cat; exit 3'],
    tty: { rows: 50, columns: 132 },
    input: 'typed\n',
  });
  t.regex(stdout, /50 132\r\n\/dev\/(pts\/\d+|console)\r\nerror\r\n/);
  t.regex(stdout, /typed\r\n/);
  t.deepEqual([stderr, exitCode], ['', 3]);
});

ptySerial('library: 200 short runs in a terminal lose no output', async (t) => {
  const name = box(t);
  let lost = 0;
  for (let at = 0; at < 200; at++) {
    const { stdout } = await run({ name, rootfs: ROOTFS, command: ['sh', '-c', `echo start ${at}; echo end ${at}`], tty: true });
    if (stdout !== `start ${at}\r\nend ${at}\r\n`) lost += 1;
  }
  t.is(lost, 0);
});

ptySerial('library: a megabyte through a terminal arrives whole', async (t) => {
  const { stdout } = await contain(t, { command: ['seq', '200000'], tty: true });
  t.is(stdout.length, 1_488_895);
  t.true(stdout.endsWith('\r\n200000\r\n'));
});

ptySerial('library: input that a full terminal has no room for is waited with, at no cost', async (t) => {
  let used: NodeJS.CpuUsage | undefined;
  const { exitCode } = await contain(t, {
    command: ['sh', '-c', 'stty raw -echo; sleep 2'],
    tty: true,
    input: Buffer.alloc(1 << 20, 'x'),
    onStart: () => {
      used = process.cpuUsage();
    },
  });
  t.is(exitCode, 0);
  const { user, system } = process.cpuUsage(used);
  t.true(user + system < 500_000, `${user + system} µs in two seconds`);
});

ptySerial('library: terminals leave no descriptor open here', async (t) => {
  const open = async (): Promise<number> => {
    // Closing is done by the next turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return readdirSync('/proc/self/fd').length;
  };
  const name = box(t);
  await run({ name, rootfs: ROOTFS, command: ['true'], tty: true });
  const before = await open();
  for (let at = 0; at < 5; at++) {
    await run({ name, rootfs: ROOTFS, command: ['true'], tty: true });
    await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['no-such-command'], tty: true }));
  }
  t.is(await open(), before);
});

for (const [key, name, code] of [
  ['\x03', 'Ctrl-C', 130],
  ['\x1c', 'Ctrl-\\', 131],
] as const) {
  ptyTest(`${name} ends a PID 1 that would swallow it: ${code}`, async (t) => {
    const shell = new Shell(t);
    await shell.see(/HOST> /);
    shell.type(`${Shell.run} ${box(t)} -- sh -c 'echo re""ady; exec sleep 1000'\r`);
    await shell.see(/ready/);
    shell.type(key);
    await shell.see(/HOST> /);
    t.is(await shell.code(), code);
  });
}

ptyTest('Ctrl-C is left to a PID 1 that handles it, if only once, ignores it, or reads it as a byte', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  const inside =
    'trap "trap - INT; echo got""it" INT; echo re""ady; until read a; do :; done; trap "" INT; echo ignor""ing; read a; trap - INT; stty raw -echo; echo ra""w; od -An -tx1 -N1; exit 7';
  shell.type(`${Shell.run} ${box(t)} -- sh -c '${inside}'\r`);
  await shell.see(/ready/);
  shell.type('\x03');
  await shell.see(/gotit/);
  shell.type('\r');
  await shell.see(/ignoring/);
  shell.type('\x03\r');
  await shell.see(/raw/);
  shell.type('\x03');
  await shell.see(/ 03/);
  await shell.see(/HOST> /);
  t.is(await shell.code(), 7);
});

ptyTest('Ctrl-C ends the job of a shell that is PID 1, or the child of a reaper, and its 130 comes from inside', async (t) => {
  const shell = new Shell(t);
  await enter(shell, box(t));
  shell.type('sleep 1000 || echo "job $?"\r');
  await shell.foreground('sleep');
  shell.type('\x03');
  await shell.see(/INSIDE> /);
  shell.type('exit 4\r');
  await shell.see(/HOST> /);
  t.is(await shell.code(), 4);
  shell.type(`${Shell.run} ${box(t)} --init -- sh -c 'echo re""ady; exec sleep 1000'\r`);
  await shell.see(/ready/);
  shell.type('\x03');
  await shell.see(/HOST> /);
  t.is(await shell.code(), 130);
});

ptyTest('library: Ctrl-C through a terminal made for it', async (t) => {
  const keys = new PassThrough();
  const options = { command: ['sh', '-c', 'echo ready; exec sleep 1000'], tty: true, input: keys };
  const running = contain(t, { ...options, onStart: () => setTimeout(() => keys.write('\x03'), 1000) });
  t.like(await running, { exitCode: 130, signal: 'SIGINT', reason: 'signal', oomKilled: false });
});
