import { once } from 'node:events';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { kill, type LogLine, logs, runDetached, start, stop, wait } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { exited, holds, inTime, until } from '../in-time.js';
import { detached, ownBox, pidsOf, said, saying, stateOf } from './detached.js';
import { CRT, crt, e2e, folder, LONGEST, MIB, ROOTFS, readProc, serial, startCrt } from './support.js';

/** Bytes of the torrent; CRT_LOGS=long: a gigabyte. */
const TORRENT = process.env['CRT_LOGS'] === 'long' ? 1024 * MIB : 256 * MIB;
const LINE = 1024;

/** Lines of 1 kB, each with its number. */
const flood = (bytes: number): string[] => [
  'perl',
  '-e',
  `my $x = "x" x ${LINE - 11}; for (my $i = 0; $i < ${bytes / LINE}; $i++) { printf("%09d %s\\n", $i, $x) }`,
];

/** Counts lines that come in the right order, and stops at the first that does not. */
class Checker {
  count = 0;
  wrong: string | undefined;
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (; bytes.length >= LINE; bytes = bytes.subarray(LINE)) {
      const number = Number(bytes.toString('latin1', 0, 9));
      if (number !== this.count || bytes[LINE - 1] !== 10 || bytes[LINE - 2] !== 0x78)
        this.wrong ??= `${this.count}: ${bytes.toString('latin1', 0, 20)}`;
      this.count += 1;
    }
    this.#rest = Buffer.from(bytes);
  }
}

/** Bytes of memory that are a process's own or shared, proc_pid_statm(5). */
const resident = (pid: number): number => Number(readProc(pid, 'statm').split(' ')[1]) * 4096;

serial(
  'a torrent of output, and a reader of a byte a second: nothing is lost, out of order or held up, and the monitor does not grow',
  async (t) => {
    t.timeout(LONGEST);
    const name = await detached(t, ['sh', '-c', `read x; exec "$@"`, 'sh', ...flood(TORRENT)], { stdin: true });
    const slow = startCrt(t, ['logs', '-f', name], { stdio: ['ignore', 'pipe', 'inherit'], patience: LONGEST });
    const closed = once(slow, 'close');
    const { stdout } = slow;
    if (stdout === null) throw new Error('no output');
    stdout.pause();
    const checker = new Checker();
    const { monitor } = pidsOf(name);
    const input = startCrt(t, ['attach', name], { stdio: ['pipe', 'ignore', 'ignore'], patience: LONGEST });
    const begin = performance.now();
    input.stdin?.end('go\n');
    const end = wait(name);
    let isOver = false;
    void end.then(() => {
      isOver = true;
    });
    const sizes: number[] = [];
    let slowly = 0;
    for (let round = 0; !isOver; round++) {
      const size = resident(monitor);
      if (size > 0) sizes.push(size);
      if (round % 10 === 0) {
        const byte = stdout.read(1) as Buffer | null;
        if (byte !== null) checker.push(byte);
        if (byte !== null) slowly += 1;
      }
      await Promise.race([delay(100), end]);
    }
    t.is(await end, 0);
    const took = performance.now() - begin;
    const grown = Math.max(...sizes) - Math.min(...sizes);
    t.log(
      `${TORRENT / MIB} MiB in ${(took / 1000).toFixed(1)} s; the monitor: ${Math.max(...sizes) / 1024} kB at most, ${grown / 1024} kB more than at least; the slow reader: ${slowly} bytes`,
    );
    t.true(Math.max(...sizes) < 2 * MIB);
    // The buffers of stdout and stderr, touched for the first time.
    t.true(grown <= 256 * 1024, String(grown));
    const fast = new Checker();
    for await (const { stream, bytes, lost } of logs(name)) {
      if (stream !== 'stdout' || lost > 0) t.fail(`${stream}, ${lost} lost`);
      fast.push(bytes);
    }
    t.deepEqual([fast.wrong, fast.count], [undefined, TORRENT / LINE]);
    // The slow one goes on with what it has not read, as fast as it can now.
    stdout.on('data', (chunk: Buffer) => checker.push(chunk)).resume();
    await inTime('the rest for the slow reader', closed);
    t.deepEqual([checker.wrong, checker.count], [undefined, TORRENT / LINE]);
  },
);

e2e('stdout and stderr, each in its order, and nothing of either in the other', async (t) => {
  const count = 5000;
  const program = `for (my $i = 0; $i < ${count}; $i++) { syswrite(STDOUT, "o$i\\n"); syswrite(STDERR, "e$i\\n") }`;
  const name = await detached(t, ['perl', '-e', program]);
  const followed = said(name, { follow: true });
  const lines = (letter: string): string => Array.from({ length: count }, (_, number) => `${letter}${number}\n`).join('');
  t.is(await wait(name), 0);
  for (const texts of [await followed, await said(name)]) {
    t.true(texts.stdout === lines('o'));
    t.true(texts.stderr === lines('e'));
  }
  const { stdout, stderr } = await crt(t, ['logs', name]);
  t.true(stdout === lines('o') && stderr === lines('e'));
});

e2e('rotated by size while it is followed: the follower misses nothing; what is kept is the end', async (t) => {
  const lines = 20_000;
  const text = Array.from({ length: lines }, (_, number) => `${number}\n`).join('');
  const program = `read x; i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); done`;
  const many = await detached(t, ['sh', '-c', program], { stdin: true, log: { maxSize: 8192, maxFiles: 1000 } });
  const few = await detached(t, ['sh', '-c', program], { stdin: true, log: { maxSize: 8192, maxFiles: 3 } });
  const follower = said(many, { follow: true });
  for (const name of [many, few]) t.is((await crt(t, ['attach', name], { input: 'go\n' })).code, 0);
  t.true((await follower).stdout === text);
  t.true((await said(many)).stdout === text);
  const kept = (await said(few)).stdout;
  t.true(
    kept.length > 1000 && kept.length < 3 * (8192 + 65_536) && text.endsWith(kept),
    `${kept.length}: ${kept.slice(0, 40)} … ${kept.slice(-40)}`,
  );
});

e2e('-n, --since, --until, -t', async (t) => {
  const name = await detached(t, ['sh', '-c', 'echo one; echo two >&2; sleep 1.2; echo three; printf open']);
  t.is(await wait(name), 0);
  const stamped: LogLine[] = [];
  for await (const line of logs(name)) stamped.push(line);
  const middle = (stamped.find(({ bytes }) => bytes.toString() === 'three\n')?.time ?? 0) - 500;
  const at = new Date(middle).toISOString();
  const show = async (...words: string[]): Promise<[string, string]> => {
    const { stdout, stderr, code } = await crt(t, ['logs', ...words, name]);
    t.is(code, 0, stderr);
    return [stdout, stderr];
  };
  t.deepEqual(await show('-n', '2'), ['three\nopen', '']);
  t.deepEqual(await show('-n', '3'), ['three\nopen', 'two\n']);
  t.deepEqual(await show('-n', '0'), ['', '']);
  t.deepEqual(await show('-n', 'all'), ['one\nthree\nopen', 'two\n']);
  t.deepEqual(await show('--since', at), ['three\nopen', '']);
  t.deepEqual(await show('--until', at), ['one\n', 'two\n']);
  t.deepEqual(await show('-f', '-n', '1'), ['open', '']);
  const [out, error] = await show('-t');
  t.regex(out, /^\d{4}-\d\d-\d\dT[\d:.]+Z one\n\d{4}\S+Z three\n\d{4}\S+Z open$/);
  t.regex(error, /^\S+Z two\n$/);
  t.regex((await crt(t, ['logs', '-n', 'few', name])).stderr, /is no number of lines/);
});

e2e('logs -f whose reader leaves ends, and the container does not notice', async (t) => {
  const name = await detached(t, ['sh', '-c', 'while :; do echo x; sleep 0.01; done']);
  const [node = '', ...words] = CRT;
  const child = startCrt(t, ['ps'], { stdio: 'ignore' });
  await exited(child);
  const { spawnSync } = await import('node:child_process');
  const { stdout, status } = spawnSync('sh', ['-c', '"$@" | head -1', 'sh', node, ...words, 'logs', '-f', name], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  t.deepEqual([stdout, status], ['x\n', 0]);
  t.is(stateOf(name), 'running');
  const follower = startCrt(t, ['logs', '-f', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  await until(follower.stdout, 'x');
  follower.kill('SIGINT');
  await exited(follower);
  t.is(stateOf(name), 'running');
});

serial(
  'a disk that is full: the container goes on, what is lost is counted and told, and the log goes on when there is room',
  async (t) => {
    const directory = await folder(t);
    const { execFileSync } = await import('node:child_process');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'crt-test', directory]);
    t.teardown(() => execFileSync('umount', ['-l', directory]));
    const name = ownBox(t);
    const env = { CRT_LAYERS_DIR: directory };
    const program =
      'trap "echo again; exit 3" TERM; echo first; head -c 4000000 /dev/zero | tr "\\0" x; echo; echo full >/dev/shm/flag; while :; do sleep 0.05; done';
    const { code, stderr } = await crt(t, ['run', '-d', name, '--', 'sh', '-c', program], { env });
    t.is(code, 0, stderr);
    const { init } = pidsOf(name);
    await holds(() => readProc(init, 'root/dev/shm/flag') === 'full\n', 'the flag');
    t.is(stateOf(name), 'running');
    // A second writer's file goes, in which nobody had a share: nothing of the container is needed for that.
    execFileSync('mount', ['-o', 'remount,size=8m', directory]);
    t.is((await crt(t, ['stop', name], { env })).code, 0);
    const shown = await crt(t, ['logs', name], { env });
    const lost = [...shown.stderr.matchAll(/(\d+) bytes are lost here: the disk was full/g)].map(([, count]) => Number(count));
    t.true(shown.stdout.startsWith('first\n') && shown.stdout.endsWith('again\n'), shown.stdout.slice(-100));
    const total = 'first\n'.length + 4_000_000 + 1 + 'again\n'.length;
    t.is(shown.stdout.length + lost.reduce((sum, count) => sum + count, 0), total);
    t.is((await crt(t, ['rm', name], { env })).code, 0);
  },
);

e2e('the loss is told at the end too, where nothing was said after it', async (t) => {
  const name = await detached(t, ['sh', '-c', 'echo x; read y'], { stdin: true });
  const layer = read(stateRoots(), name)?.record?.layer ?? '';
  await saying(name, 'x\n');
  await kill(name);
  await wait(name);
  const loss = Buffer.alloc(24);
  loss.set([0x1e, 0x63, 0x6c, 0]);
  loss.writeUInt32LE(8, 4);
  loss.writeUInt32LE(77, 16);
  writeFileSync(`${layer}/log`, loss, { flag: 'a' });
  const { stdout, stderr } = await crt(t, ['logs', name]);
  t.is(stdout, 'x\n');
  t.regex(stderr, /77 bytes are lost here/);
});

e2e('half a piece after a crash, and rubbish, are passed over, and the next start is all there', async (t) => {
  const name = await detached(t, ['sh', '-c', 'echo whole; sleep 0.05; printf %03000d 7; sleep 0.05; echo']);
  await wait(name);
  const layer = read(stateRoots(), name)?.record?.layer ?? '';
  truncateSync(`${layer}/log`, statSync(`${layer}/log`).size - 1000);
  t.is((await said(name)).stdout, 'whole\n');
  writeFileSync(`${layer}/log`, 'rubbish', { flag: 'a' });
  await start(name);
  await wait(name);
  t.is((await said(name)).stdout, `whole\nwhole\n${'7'.padStart(3000, '0')}\n`);
});

e2e('the monitor is killed in the middle of output: what was written is there', async (t) => {
  const name = await detached(t, flood(1024 * MIB));
  const { monitor, init } = pidsOf(name);
  const layer = read(stateRoots(), name)?.record?.layer ?? '';
  await holds(() => statSync(`${layer}/log`).size > 4 * MIB);
  process.kill(monitor, 'SIGKILL');
  await holds(() => !/^[RSDT]$/.test(/\) (\S)/.exec(readProc(init, 'stat'))?.[1] ?? ''), 'init dies with its monitor');
  const checker = new Checker();
  for await (const { bytes } of logs(name)) checker.push(bytes);
  t.is(checker.wrong, undefined);
  t.true(checker.count > 3 * 1024, String(checker.count));
  t.is(stateOf(name), 'stopped');
});

e2e('follow to the end of one that is removed there, and of one that was stopped', async (t) => {
  const name = ownBox(t);
  await runDetached({ name, rootfs: ROOTFS, command: ['sh', '-c', 'echo first; read x; echo last'], rm: true, stdin: true });
  const follower = said(name, { follow: true });
  const child = startCrt(t, ['logs', '-f', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  await until(child.stdout, 'first\n');
  const text = until(child.stdout, 'last\n');
  await crt(t, ['attach', name], { input: 'go\n' });
  t.is((await follower).stdout, 'first\nlast\n');
  t.is(await text, 'last\n');
  const other = await detached(t, ['sh', '-c', 'echo up; exec sleep 1000']);
  const following = said(other, { follow: true });
  await stop(other);
  t.is((await following).stdout, 'up\n');
});
