import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { remove, run } from '../../src/index.js';
import { box, crt, type Declare, descendants, host, MIB, ROOTFS, startCrt } from '../e2e/support.js';
import { exited, until } from '../in-time.js';
import { check, command, faults, LONG, remains, runWords, SHORT_TIME, SLOWEST, works } from './experiment.js';

/** Numbers that are the same each time, in [0, 1): a linear congruential generator. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What it throws, in words. */
function attempt(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

faults('rm -f at any moment of a start: one of both wins, the other says so, and nothing is left', async (t) => {
  t.timeout(LONG ? 1_800_000 : SHORT_TIME);
  const name = box(t);
  const rounds = LONG ? 300 : 20;
  const words = [...runWords(name).slice(0, -2), 'sh', '-c', 'echo up; sleep 0.1'];
  const { ms } = await command(words);
  const problems: string[] = [];
  const counts = { ran: 0, ended: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const running = command(words);
    await delay((ms * round) / rounds);
    const removal = attempt(() => remove(name, { force: true }));
    const { code, stdout, stderr, ms: took } = await running;
    if (code === 0 && stdout === 'up\n') counts.ran += 1;
    else if (code === 137) counts.ended += 1;
    else if (code === 125 && /^crt: /.test(stderr) && !/bug/i.test(stderr)) counts.refused += 1;
    else problems.push(`round ${round}: ${code} ${stdout} ${stderr}`);
    if (removal !== undefined && !/no container named|is in the hands of/.test(removal)) problems.push(`round ${round}: ${removal}`);
    if (took > SLOWEST) problems.push(`round ${round}: took ${took} ms`);
    const { problem } = await check(name, false);
    if (problem !== undefined) problems.push(`round ${round}: ${problem}`);
  }
  t.true(counts.ran < rounds);
  t.log(`${rounds} rounds: ${counts.ran} ran, ${counts.ended} were ended, ${counts.refused} refused`);
  t.deepEqual(problems, []);
});

const freezer = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('freezer'))?.mountpoint ?? existingFreezer();
/** The helper's `kill` gives up after a minute. */
const frozen: Declare = freezer === undefined || !LONG ? test.skip : faults;
const GIVES_UP = 70_000;

function existingFreezer(): string | undefined {
  return existsSync('/sys/fs/cgroup/freezer/cgroup.procs') ? '/sys/fs/cgroup/freezer' : undefined;
}

frozen('a container that somebody else has frozen: rm -f comes back with words, and all goes once it is thawed', async (t) => {
  const name = box(t);
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
  await until(child.stdout, 'ready');
  const group = `${freezer}/crt-faults-${name}`;
  mkdirSync(group);
  const pid = readFileSync(`/run/crt/${name}/pid`, 'utf8');
  writeFileSync(`${group}/cgroup.procs`, String((JSON.parse(pid) as { pid: number }).pid));
  writeFileSync(`${group}/freezer.state`, 'FROZEN');
  const start = performance.now();
  const removal = await crt(t, ['rm', '-f', name]);
  const took = performance.now() - start;
  writeFileSync(`${group}/freezer.state`, 'THAWED');
  await exited(child);
  rmdirSync(group);
  t.log(`rm -f: ${removal.code} after ${Math.round(took)} ms: ${removal.stderr.trim()}`);
  t.true(took < GIVES_UP);
  t.is(removal.code, 125);
  t.is((await check(name, true)).problem, undefined);
});

faults('crt is stopped while its container ends, and goes on: nothing is left', async (t) => {
  const name = box(t);
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo ready; sleep 0.3; exit 7']);
  await until(child.stdout, 'ready');
  child.kill('SIGSTOP');
  await delay(600);
  t.not(remains(name).length, 0);
  child.kill('SIGCONT');
  t.deepEqual(await exited(child), [7, null]);
  t.deepEqual(await check(name, false), { cure: 'by itself' });
});

faults('the terminal or pipe that crt writes to is gone, and its input too: it ends, and nothing is left', async (t) => {
  const name = box(t);
  const [file = '', ...words] = runWords(name);
  for (let round = 0; round < (LONG ? 100 : 5); round++) {
    const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.destroy();
    if (round % 2 === 0) child.stdout.destroy();
    child.stderr.destroy();
    await exited(child);
    t.deepEqual(await check(name, false), { cure: 'by itself' });
  }
});

/** What must not grow: descriptors of this process, cgroups and mounts of the host that bear the name, and children of ours. */
function measure(name: string): { fds: number; left: number; children: number } {
  return { fds: readdirSync('/proc/self/fd').length, left: remains(name).length, children: descendants('crt-init').length };
}

faults('run after run with the monitor, the command or the run itself ended at any moment: nothing grows', async (t) => {
  t.timeout(LONG ? 7_200_000 : SHORT_TIME);
  const name = box(t);
  const roll = dice(5);
  const options = { name, rootfs: ROOTFS, command: ['sh', '-c', 'echo up; sleep 0.02'], memory: 64 * MIB } as const;
  const kill = (comm: string): void => {
    // It may have ended by itself meanwhile.
    for (const pid of descendants(comm)) attempt(() => process.kill(pid, 'SIGKILL'));
  };
  for (let warm = 0; warm < 20; warm++) await run(options);
  const before = measure(name);
  const memory = process.memoryUsage.rss();
  const rounds = LONG ? 10_000 : 200;
  const counts = { ran: 0, ended: 0 };
  for (let round = 0; round < rounds; round++) {
    const controller = new AbortController();
    const running = run({ ...options, signal: controller.signal }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
    const moment = roll() * 80;
    const what = roll();
    await Promise.race([delay(moment), running]);
    // The kernel has many names for what was not exec'd yet: all of them are crt-init.
    if (what < 0.3) controller.abort();
    else if (what < 0.6) kill('crt-init');
    else if (what < 0.8) kill('sh');
    counts[(await running) ? 'ran' : 'ended'] += 1;
    if (remains(name).length > 0) t.is((await check(name, false)).problem, undefined, `round ${round}`);
  }
  const grown = process.memoryUsage.rss() - memory;
  t.log(`${rounds} runs: ${counts.ran} to their end, ${counts.ended} ended; ${Math.round(grown / MIB)} MiB more in use`);
  t.deepEqual(measure(name), before);
  t.true(counts.ran > rounds / 20 && counts.ended > rounds / 20);
  t.true(grown < 100 * MIB, `${grown} bytes`);
  t.is(await works(name), undefined);
});
