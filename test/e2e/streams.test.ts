import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { run } from '../../src/index.js';
import { exited, holds, inTime } from '../in-time.js';
import { box, CRT, contain, crt, descendants, e2e, ended, folder, MIB, ROOTFS, script, serial, startCrt } from './support.js';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const BLOCK = randomBytes(5 * MIB);
const FIFTY = Buffer.concat(Array.from({ length: 10 }, () => BLOCK));

serial('50 MB through cat come back as they went in: library', async (t) => {
  const { stdoutBytes } = await contain(t, { command: ['cat'], input: FIFTY });
  t.is(stdoutBytes.length, FIFTY.length);
  t.is(sha(stdoutBytes), sha(FIFTY));
});

serial('50 MB through cat come back as they went in: command line', async (t) => {
  const { bytes, code } = await crt(t, ['run', box(t), '--', 'cat'], { input: FIFTY });
  t.is(code, 0);
  t.is(bytes.length, FIFTY.length);
  t.is(sha(bytes), sha(FIFTY));
});

e2e('stdout and stderr stay apart', async (t) => {
  const { stdout, stderr } = await script(t, 'echo out; echo error >&2; echo out again');
  t.deepEqual([stdout, stderr], ['out\nout again\n', 'error\n']);
});

e2e('stdin ends where it ends: text, bytes, a stream, nothing', async (t) => {
  const count = { command: ['wc', '-c'] };
  t.is((await contain(t, { ...count, input: 'grün' })).stdout, '5\n');
  t.is((await contain(t, { ...count, input: new Uint8Array([0, 255, 10]) })).stdout, '3\n');
  t.is((await contain(t, { ...count, input: Readable.from(['a', Buffer.from('bc')]) })).stdout, '3\n');
  t.is((await contain(t, { ...count, input: '' })).stdout, '0\n');
  t.is((await contain(t, count)).stdout, '0\n');
});

e2e('a command that does not read its input is no error', async (t) => {
  const { exitCode } = await contain(t, { command: ['true'], input: FIFTY });
  t.is(exitCode, 0);
});

e2e('-i=false closes stdin', async (t) => {
  const { stdout } = await crt(t, ['run', box(t), '-i=false', '--', 'wc', '-c'], { input: 'text' });
  t.is(stdout, '0\n');
});

e2e('a reader that goes away ends it at once: yes | head -1', async (t) => {
  const started = performance.now();
  const quoted = [...CRT, 'run', box(t), '--', 'yes'].map((word) => `'${word}'`).join(' ');
  const child = spawn('bash', ['-c', `set -o pipefail; ${quoted} | head -n 1`], { env: { ...process.env, CRT_ROOTFS: ROOTFS } });
  const { stdout, stderr, code } = await ended(child);
  t.is(stdout, 'y\n');
  // PID 1 is not ended by SIGPIPE (pid_namespaces(7)): yes(1) sees EPIPE and says so.
  t.is(code, 1);
  t.regex(stderr, /Broken pipe/);
  t.true(performance.now() - started < 60_000);
});

e2e('captured output beyond maxBuffer fails the run and ends the container', async (t) => {
  const place = await folder(t);
  const mounts = [{ source: place, target: '/data' }];
  const flood = script(t, 'head -c 200000000 /dev/zero; touch /data/over', { maxBuffer: 100_000, mounts });
  await t.throwsAsync(flood, { name: 'UserError', message: /more than 100000 bytes/ });
  t.deepEqual(readdirSync(place), [], 'it came to its end');
  const { stdout } = await contain(t, { command: ['head', '-c', '100000', '/dev/zero'], maxBuffer: 100_000 });
  t.is(stdout.length, 100_000);
});

e2e('stdout: ignore gives nothing and does not block', async (t) => {
  const { stdout, exitCode } = await contain(t, { command: ['head', '-c', '10000000', '/dev/zero'], stdout: 'ignore' });
  t.deepEqual([stdout, exitCode], ['', 0]);
});

e2e('undecodable bytes are replaced in the text and kept in the bytes', async (t) => {
  const { stdout, stderr, stdoutBytes } = await script(t, "printf 'a\\377b'");
  t.is(stdout, 'a\ufffdb', stderr);
  t.deepEqual([...stdoutBytes], [97, 255, 98]);
});

e2e('a daemonised child that holds stdout dies with PID 1 and does not hang the run', async (t) => {
  const { stdout, exitCode } = await script(t, '(setsid sleep 1000 &) ; echo done');
  t.deepEqual([stdout, exitCode], ['done\n', 0]);
});

e2e('a slow reader stops the writer, and the memory of crt stays as it was', async (t) => {
  const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', 'yes >&1 & wait']);
  const { stdout } = child;
  if (stdout === null) throw new Error('no stdout');
  stdout.pause();
  await inTime('the first output', once(stdout, 'readable'));
  await holds(() => descendants('yes', child.pid).length > 0, 'yes runs');
  const [yes = 0] = descendants('yes', child.pid);
  // Once it sleeps in its write(2) and has used no more processor time, everything between is full.
  await stalled(yes);
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
  t.true(rss < 150_000, `${rss} kB`);
  child.kill('SIGTERM');
  stdout.resume();
  await exited(child);
});

/** Two seconds in clock ticks (proc_pid_stat(5)): some milliseconds fill all that is between. */
const TOO_LONG = 200;

/** Waits until a process is asleep and stays so: two looks with equal processor time. */
async function stalled(pid: number): Promise<void> {
  for (let last = ''; ; ) {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const used = `${state} ${fields[10]} ${fields[11]}`;
    if (Number(fields[10]) + Number(fields[11]) > TOO_LONG) throw new Error('it writes on, and nobody reads');
    if (state === 'S' && used === last) return;
    last = used;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

serial('200 short runs lose no output', async (t) => {
  const name = box(t);
  let lost = 0;
  for (let at = 0; at < 200; at++) {
    const { stdout, stderr } = await run({ name, rootfs: ROOTFS, command: ['sh', '-c', `echo out ${at}; echo error ${at} >&2`] });
    if (stdout !== `out ${at}\n` || stderr !== `error ${at}\n`) lost += 1;
  }
  t.is(lost, 0);
});

e2e('stdin, stdout and stderr can be opened by name where they are captured, by any user', async (t) => {
  for (const user of ['0', '65534']) {
    const { stdout, stderr } = await contain(t, {
      command: ['sh', '-c', 'cat /dev/stdin > /dev/stdout; echo error > /dev/stderr'],
      input: 'through\n',
      user,
    });
    t.deepEqual([stdout, stderr], ['through\n', 'error\n'], user);
  }
});
