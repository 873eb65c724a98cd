import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { until } from '../in-time.js';
import { CALLS_ENV, callsMount } from './mount-calls.js';
import { Shell } from './pty.js';
import { box, descendants, e2e, ended, folder, ptyTest, startCrt } from './support.js';

/** Starts Python with the module of mount-calls.ts, by the command line; `/out` is a folder of this test. */
async function start(t: ExecutionContext, text: string): Promise<{ child: ChildProcess; out: string }> {
  const [{ source }, out] = [await callsMount(t), await folder(t)];
  const env = Object.entries(CALLS_ENV).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const flags = ['-i', ...env, '-v', `${source}:/calls:ro`, '-v', `${out}:/out`];
  return { child: startCrt(t, ['run', box(t), ...flags, '--', 'python3', '-c', `from calls import *\n${text}`]), out };
}

/** The helpers of a started command line: the monitor, and its child, which is there after the first call. */
function helpers(child: ChildProcess): { monitor: number; answerer: number } {
  const all = descendants('crt-init', child.pid);
  const [answerer] = all.filter((pid) => all.includes(parentOf(pid)));
  const [monitor] = all.filter((pid) => pid !== answerer);
  // Never 0: a signal to that reaches all of this test run.
  if (monitor === undefined || answerer === undefined) throw new Error(`monitor and answerer: ${all.join()}`);
  return { monitor, answerer };
}

function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
}

/** KiB of memory, and the number of open files. */
function sizeOf(pid: number): { memory: number; files: number } {
  const memory = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { memory, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** Reads a file again and again until it is as wanted. */
async function waitFor(path: string, wanted: RegExp): Promise<string> {
  for (const deadline = performance.now() + 20_000; ; await delay(5)) {
    const text = readFileSync(path, { encoding: 'utf8', flag: 'a+' });
    if (wanted.test(text)) return text;
    if (performance.now() > deadline) throw new Error(`never saw ${wanted} in ${JSON.stringify(text.slice(-300))}`);
  }
}

/** PID 1 calls without end and writes down each answer; it does not die with the monitor, as far as it is asked. */
const FOREVER = `
libc.prctl(1, 0, 0, 0, 0)
out = open('/out/answers', 'w', buffering=1)
while True:
    out.write(mount() + '\\n')
    time.sleep(0.001)`;

e2e('10,000 calls take neither long nor memory nor descriptors', async (t) => {
  const { child } = await start(
    t,
    `
def several(count):
    begin = time.monotonic()
    wrong = sum(mount() != 'yes' for _ in range(count)) + sum(mount(b'/tmp') != 'EPERM' for _ in range(count))
    print('answered', wrong, time.monotonic() - begin, flush=True)
    sys.stdin.readline()
several(500)
several(5000)`,
  );
  t.regex(await until(child.stdout, '\n'), /^answered 0 /);
  const { monitor, answerer } = helpers(child);
  const before = [monitor, answerer].map(sizeOf);
  child.stdin?.write('\n');
  const [, wrong, seconds] = (await until(child.stdout, '\n')).split(' ');
  t.is(wrong, '0');
  t.true(Number(seconds) < 20, `${seconds} seconds`);
  const after = [monitor, answerer].map(sizeOf);
  t.deepEqual(
    after.map(({ files }) => files),
    before.map(({ files }) => files),
  );
  for (const [index, { memory }] of after.entries()) {
    t.true(memory <= (before[index]?.memory ?? 0) + 64, `${before[index]?.memory} → ${memory} KiB`);
    t.true(memory < 1024, `${memory} KiB`);
  }
  child.stdin?.end('\n');
  t.is((await ended(child)).code, 0);
});

e2e('the answerer holds the listener and nothing else of the monitor', async (t) => {
  const { child } = await start(t, 'print(mount(), flush=True); sys.stdin.readline()');
  await until(child.stdout, 'yes\n');
  const { answerer } = helpers(child);
  t.deepEqual(readdirSync(`/proc/${answerer}/fd`), ['0']);
  t.is(Number(/^Seccomp:\s+(\d)$/m.exec(readFileSync(`/proc/${answerer}/status`, 'utf8'))?.[1]), 0);
  child.stdin?.end('\n');
  t.is((await ended(child)).code, 0);
  t.throws(() => sizeOf(answerer), { code: 'ENOENT' });
});

ptyTest('keys, output and resizes pass while a loop of calls runs', async (t) => {
  const { source } = await callsMount(t);
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  shell.type(`${Shell.run} ${box(t)} -e PYTHONPATH=/calls -v ${source}:/calls:ro -- bash --norc --noprofile\r`);
  await shell.see(/bash-[\d.]+# /);
  shell.type(`bind 'set enable-bracketed-paste off'; PS1='IN'SIDE'> '\r`);
  await shell.see(/INSIDE> /);
  shell.type(`python3 -c 'from calls import *\rwhile mount() == "yes": pass' &\r`);
  await shell.see(/\[1\] \d+/);
  for (let round = 0; round < 20; round++) {
    shell.type(`echo round''-${round}\r`);
    await shell.see(new RegExp(`\\nround-${round}\\r`));
  }
  shell.resize(91, 41);
  shell.type('stty size\r');
  await shell.see(/\n41 91\r\n/);
  shell.type('jobs; mount -t proc proc /proc; echo "code $?"\r');
  await shell.see(/\[1\]\+\s+Running[\s\S]*\ncode 0\r\n/);
  shell.type('cat\r');
  await shell.see(/cat\r\n/);
  await shell.foreground('cat');
  shell.type('\x03');
  await shell.see(/INSIDE> /);
  shell.type('exit 5\r');
  await shell.see(/HOST> /);
  t.is(await shell.code(), 5);
});

e2e('an answerer that hangs holds up the caller alone: signals arrive, and the end leaves nothing', async (t) => {
  const { child, out } = await start(t, FOREVER);
  await waitFor(`${out}/answers`, /yes\nyes\n/);
  const { answerer } = helpers(child);
  process.kill(answerer, 'SIGSTOP');
  await delay(100);
  const held = readFileSync(`${out}/answers`, 'utf8');
  await delay(100);
  t.is(readFileSync(`${out}/answers`, 'utf8'), held, 'nobody answers');
  const begin = performance.now();
  child.kill('SIGTERM');
  await ended(child);
  t.true(performance.now() - begin < 5000);
  t.throws(() => sizeOf(answerer), { code: 'ENOENT' });
});

e2e('without its answerer a container goes on, and mount(2) is not there', async (t) => {
  const { child, out } = await start(t, FOREVER);
  await waitFor(`${out}/answers`, /yes\nyes\n/);
  process.kill(helpers(child).answerer, 'SIGKILL');
  t.regex(await waitFor(`${out}/answers`, /(ENOSYS\n){20}/), /^(yes\n)+(ENOSYS\n)+\w*$/);
  t.is(child.exitCode, null);
  child.kill('SIGTERM');
  await ended(child);
  t.notRegex(readFileSync(`${out}/answers`, 'utf8'), /ENOSYS\nyes/);
});

e2e('after the death of the monitor no call succeeds, should the container survive it', async (t) => {
  const { child, out } = await start(t, FOREVER);
  await waitFor(`${out}/answers`, /yes\nyes\n/);
  const { monitor } = helpers(child);
  // Held, or it would undo at once.
  child.kill('SIGSTOP');
  process.kill(monitor, 'SIGKILL');
  const answers = await waitFor(`${out}/answers`, /(ENOSYS\n){200}/);
  t.regex(answers, /^(yes\n)+(ENOSYS\n)+\w*$/);
  child.kill('SIGCONT');
  t.is((await ended(child)).code, 125);
  t.regex(readFileSync(`${out}/answers`, 'utf8'), /^(yes\n)+(ENOSYS\n)+\w*$/);
});
