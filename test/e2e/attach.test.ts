import { kill, start, stop, wait } from '../../src/index.js';
import { exited, holds, until } from '../in-time.js';
import { detached, ownBox, pidsOf, said, saying, stateOf } from './detached.js';
import { Shell } from './pty.js';
import { CRT, crt, e2e, ended, ptyTest, readProc, startCrt } from './support.js';

const words = CRT.map((word) => `'${word}'`).join(' ');
/** Of the terminal of a shell, stty -a says: not raw, with echo. */
const COOKED = /(^|\s)icanon(\s|$)[\s\S]*(^|\s)echo(\s|$)/m;

ptyTest('-dit: type, resize, interrupt the foreground job, leave by the keys, come back, and end', async (t) => {
  const name = ownBox(t);
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  shell.type(`${words} run -dit ${name} -- sh\r`);
  await shell.see(new RegExp(`\\n${name}`));
  await shell.see(/HOST> /);
  shell.type(`${words} attach ${name}\r`);
  await shell.foreground('node');
  // The first key makes it show a prompt.
  shell.type('\r');
  await shell.see(/# /);
  shell.type("PS1='IN''SIDE> '\r");
  await shell.see(/\nINSIDE> /);
  shell.type('stty size\r');
  await shell.see(/\n30 100\r+\n/);
  shell.resize(72, 21);
  shell.type('sleep 0.5; stty size\r');
  await shell.see(/\n21 72\r+\n/);
  shell.type("echo be''gins; sleep 1000\r");
  await shell.see(/begins/);
  await holds(() => descendsTo(name, 'sleep'), 'the job runs');
  shell.type('\x03');
  await shell.see(/INSIDE> /);
  shell.type('echo "job=$?"\r');
  await shell.see(/job=130/);
  shell.type('\x10\x11');
  await shell.see(/goes on: crt attach/);
  await shell.see(/HOST> /);
  t.is(await shell.code(), 0);
  t.regex(await shell.host('stty -a'), COOKED);
  t.is(stateOf(name), 'running');
  shell.type(`${words} attach --detach-keys ctrl-a,z ${name}\r`);
  await shell.foreground('node');
  shell.type('\r');
  await shell.see(/INSIDE> /);
  // Not the keys: Ctrl-A goes to the shell with what follows, once that is known.
  shell.type("echo a''gain\r");
  await shell.see(/\nagain\r+\n/);
  shell.type('\x01z');
  await shell.see(/goes on: crt attach/);
  await shell.see(/HOST> /);
  t.is(await shell.code(), 0);
  shell.type(`${words} attach ${name}\r`);
  await shell.foreground('node');
  shell.type('exit 7\r');
  await shell.see(/HOST> /);
  t.is(await shell.code(), 7);
  t.regex(await shell.host('stty -a'), COOKED);
});

/** Whether a process of this name is a descendant of PID 1 of the container. */
function descendsTo(name: string, comm: string): boolean {
  const { init } = pidsOf(name);
  const children = (pid: number): number[] => readProc(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children(init).some((pid) => readProc(pid, 'comm').trim() === comm);
}

ptyTest('the terminal is as it was when the container is killed, removed, or paused and stopped while somebody is attached', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  for (const [verb, code] of [
    [['kill'], 137],
    [['stop', '-t', '1'], 137],
    [['rm', '-f'], 137],
  ] as const) {
    const name = await detached(t, ['sh', '-c', 'trap "" TERM HUP; echo up; while :; do sleep 0.1; done'], { tty: true, stdin: true });
    shell.type(`${words} attach --logs ${name}\r`);
    await shell.see(/up\r+\n/);
    await shell.foreground('node');
    t.is((await crt(t, [...verb, name])).code, 0);
    await shell.see(/HOST> /);
    t.is(await shell.code(), code, verb.join(' '));
    t.regex(await shell.host('stty -a'), COOKED, verb.join(' '));
  }
});

ptyTest('a second one that types is refused in words, and leaves its terminal alone; one that looks is not', async (t) => {
  const name = await detached(t, ['cat'], { tty: true, stdin: true });
  const first = new Shell(t);
  await first.see(/HOST> /);
  first.type(`${words} attach ${name}\r`);
  await first.foreground('node');
  first.type('here\r');
  await first.see(/here\r+\nhere\r+\n/);
  const second = new Shell(t);
  await second.see(/HOST> /);
  second.type(`${words} attach ${name}\r`);
  await second.see(/somebody else is attached/);
  await second.see(/HOST> /);
  t.is(await second.code(), 125);
  t.regex(await second.host('stty -a'), COOKED);
  const look = startCrt(t, ['attach', '--no-stdin', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = until(look.stdout, 'for both');
  await holds(() => readProc(look.pid ?? 0, 'comm').trim() === 'node');
  for (
    let saw = false;
    !saw;
    saw = await Promise.race([seen.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300))])
  )
    first.type('for both\r');
  first.type('\x10\x11');
  await first.see(/goes on/);
  await first.see(/HOST> /);
  t.is(await first.code(), 0);
  second.type(`${words} attach ${name}\r`);
  await second.foreground('node');
  second.type('again\r');
  await second.see(/again[\s\S]*again/);
  second.type('\x04');
  await second.see(/HOST> /);
  t.is(await second.code(), 0);
  t.deepEqual(await exited(look), [0, null]);
});

e2e('-di and pipes: all of the input and its end arrive, whatever bytes they are, and the exit code comes back', async (t) => {
  const name = await detached(t, ['sh', '-c', 'cat | od -An -v -tx1; exit 4'], { stdin: true });
  // The keys that leave are keys of a terminal.
  const { code, stdout, stderr } = await crt(t, ['attach', name], { input: Buffer.from([0x61, 0x10, 0x11, 0x62, 0x10]) });
  t.deepEqual([code, stdout.trim(), stderr], [4, '61 10 11 62 10', '']);
  const large = await detached(t, ['sh', '-c', 'sha256sum'], { stdin: true });
  const bytes = Buffer.alloc(5_000_000, 'some text\n');
  const { createHash } = await import('node:crypto');
  t.is((await crt(t, ['attach', large], { input: bytes })).stdout, `${createHash('sha256').update(bytes).digest('hex')}  -\n`);
});

e2e('detach keys that are asked for count in a pipe too, and what only begins like them arrives at the end', async (t) => {
  const name = await detached(t, ['cat'], { stdin: true });
  const left = await crt(t, ['attach', '--detach-keys', 'q,q', name], { input: 'aqbqqc' });
  t.is(left.code, 0);
  t.regex(left.stderr, /goes on/);
  t.is((await crt(t, ['attach', '--detach-keys', 'q,q', name], { input: 'dq' })).code, 0);
  t.is((await said(name)).stdout, 'aqbdq');
});

e2e('without -i there is no input, in words; without an input of ours the output comes', async (t) => {
  const name = await detached(t, ['sh', '-c', 'echo ready; while ! test -e /go; do sleep 0.05; done; echo out; echo err >&2; exit 3']);
  const typing = startCrt(t, ['attach', name]);
  await until(typing.stderr, 'has no input');
  const typed = ended(typing);
  const look = startCrt(t, ['attach', '--no-stdin', '--logs', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = ended(look);
  await until(look.stdout, 'ready');
  const { init } = pidsOf(name);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`/proc/${init}/root/go`, '');
  const seen = await end;
  t.deepEqual([seen.code, seen.stdout, seen.stderr], [3, 'ready\nout\n', 'err\n']);
  const other = await typed;
  t.deepEqual([other.code, other.stdout], [3, 'out\n']);
});

e2e('signals are passed on; with --sig-proxy=false they end the connection', async (t) => {
  const name = await detached(t, ['sh', '-c', 'trap "echo got; exit 5" USR1 TERM; echo ready; while :; do sleep 0.05; done']);
  await saying(name, 'ready\n');
  const alone = startCrt(t, ['attach', '--no-stdin', '--no-sig-proxy', '--logs', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  await until(alone.stdout, 'ready');
  alone.kill('SIGTERM');
  t.deepEqual(await exited(alone), [null, 'SIGTERM']);
  t.is(stateOf(name), 'running');
  const child = startCrt(t, ['attach', '--no-stdin', '--logs', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  await until(child.stdout, 'ready');
  child.kill('SIGUSR1');
  t.is((await ended(child)).code, 5);
});

e2e('one that is removed at its end: who is attached still hears the exit code', async (t) => {
  const name = await detached(t, ['sh', '-c', 'read x; echo "said $x"; exit 6'], { stdin: true, rm: true });
  const { code, stdout, stderr } = await crt(t, ['attach', name], { input: 'this\n' });
  t.deepEqual([code, stdout, stderr], [6, 'said this\n', '']);
});

e2e('attach to nothing, to a stopped one, to one in the foreground', async (t) => {
  t.regex((await crt(t, ['attach', 'nobody'])).stderr, /no container named "nobody"/);
  const name = await detached(t, ['true']);
  await wait(name);
  t.regex((await crt(t, ['attach', name])).stderr, /is not running/);
});

e2e('start -a shows what this start says and exits as it does, also where it is over at once; -ai passes input on', async (t) => {
  const quick = await detached(t, ['sh', '-c', 'echo x >>/count; wc -l </count; exit 2']);
  await wait(quick);
  for (const count of [2, 3]) {
    const { code, stdout, stderr } = await crt(t, ['start', '-a', quick]);
    t.deepEqual([code, stdout, stderr], [2, `${count}\n`, '']);
  }
  const reader = await detached(t, ['sh', '-c', 'read x; echo "[$x]"'], { stdin: true });
  await stop(reader);
  const { code, stdout } = await crt(t, ['start', '-ai', reader], { input: 'typed\n' });
  t.deepEqual([code, stdout], [0, '[typed]\n']);
  t.regex((await crt(t, ['start', '-a', quick, reader])).stderr, /takes one container/);
});

e2e('crt attach is killed: the container goes on, and the next one may type', async (t) => {
  const name = await detached(t, ['cat'], { stdin: true });
  for (let round = 0; round < 3; round++) {
    const child = startCrt(t, ['attach', name], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin?.write(`round ${round}\n`);
    await until(child.stdout, `round ${round}\n`);
    child.kill('SIGKILL');
    await exited(child);
  }
  t.is(stateOf(name), 'running');
  await kill(name);
  await wait(name);
  await start(name);
  t.is((await crt(t, ['attach', name], { input: 'end\n' })).stdout, 'end\n');
});
