import { readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { startTime } from '../../src/host/process.js';
import { kill, pause, remove, runDetached, start, stop, wait } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { detached, letter, ownBox, pidsOf, removeIfThere, said, saying, stateOf } from '../e2e/detached.js';
import { CRT, crt, MIB, ROOTFS, startCrt } from '../e2e/support.js';
import { holds } from '../in-time.js';
import { command, faults, LONG, remains, SHORT_TIME, SLOWEST, verdict } from './experiment.js';

const roots = stateRoots();

/** A container beside, of which nothing may be touched. */
async function neighbour(t: ExecutionContext): Promise<() => void> {
  const name = await detached(t, ['sleep', '1000']);
  const before = pidsOf(name);
  return () => {
    t.deepEqual(pidsOf(name), before);
    t.is(stateOf(name), 'running');
  };
}

const runWords = (name: string, ...more: string[]): string[] => [...CRT, 'run', '-d', name, '--rootfs', ROOTFS, '--memory', '64', ...more];

faults('crt run -d killed at any moment: what is there is told, and removed', async (t) => {
  t.timeout(LONG ? 3_600_000 : SHORT_TIME);
  const same = await neighbour(t);
  const name = ownBox(t);
  const words = runWords(name, '--', 'sleep', '1000');
  const { ms } = await command(words);
  remove(name, { force: true });
  const rounds = LONG ? 400 : 14;
  const counts: Record<string, number> = {};
  const problems: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = ['timeout', '-s', 'KILL', String((ms * (round + 0.5)) / rounds / 1000)];
    await command(words, { before });
    // The monitor that has lost its supervisor cleans up by itself.
    for (const end = performance.now() + 3000; remains(name).length > 0 && stateOf(name) !== 'running' && performance.now() < end; )
      await delay(20);
    const status = stateOf(name) ?? 'nothing';
    counts[status] = (counts[status] ?? 0) + 1;
    const problem = verdict(name);
    if (problem !== undefined) problems.push(`round ${round}: ${problem}`);
  }
  t.log(`${rounds} moments: ${JSON.stringify(counts)}`);
  t.deepEqual(problems, []);
  same();
});

faults('crt stop, start and rm -f killed at any moment: the layer and the log are there unless it was rm', async (t) => {
  t.timeout(LONG ? 3_600_000 : SHORT_TIME);
  const same = await neighbour(t);
  const rounds = LONG ? 100 : 6;
  const problems: string[] = [];
  for (const verb of ['stop', 'start', 'rm']) {
    const name = ownBox(t);
    const options = { name, rootfs: ROOTFS, command: ['sh', '-c', 'echo x >>/kept; wc -l </kept; exec sleep 1000'] };
    const words = [...CRT, verb, ...(verb === 'rm' ? ['-f'] : []), name];
    await runDetached(options);
    if (verb === 'start') await stop(name);
    const { ms, code, stderr } = await command(words);
    t.is(code, 0, stderr);
    if (verb === 'rm') await runDetached(options);
    for (let round = 0; round < rounds; round++) {
      if (verb === 'stop' && stateOf(name) !== 'running') await start(name);
      if (verb === 'start' && stateOf(name) === 'running') await stop(name);
      await command(words, { before: ['timeout', '-s', 'KILL', String((ms * (round + 0.5)) / rounds / 1000)] });
      await delay(50);
      if (verb === 'rm') {
        const problem = verdict(name);
        if (problem !== undefined) problems.push(`rm ${round}: ${problem}`);
        await runDetached(options);
        continue;
      }
      // Whatever it is now: it can be stopped and started, and what it has written is there.
      await holds(() => stateOf(name) !== 'creating');
      await stop(name);
      const count = Number((await said(name)).stdout.trim().split('\n').at(-1));
      await start(name);
      await holds(() => stateOf(name) === 'running');
      await stop(name);
      const after = Number((await said(name)).stdout.trim().split('\n').at(-1));
      if (after < count) problems.push(`${verb} ${round}: ${count} lines were kept, and now ${after}`);
    }
    const problem = verdict(name);
    if (problem !== undefined) problems.push(`${verb}: ${problem}`);
  }
  t.deepEqual(problems, []);
  same();
});

faults('the monitor or PID 1 is killed: ps tells the truth, start works again, with the layer', async (t) => {
  t.timeout(SHORT_TIME);
  const same = await neighbour(t);
  for (const whom of ['monitor', 'init'] as const) {
    const name = await detached(t, ['sh', '-c', 'echo x >>/kept; wc -l </kept; exec sleep 1000'], { memory: 64 * MIB });
    for (let round = 1; round <= 3; round++) {
      await saying(name, `${round}\n`);
      process.kill(pidsOf(name)[whom], 'SIGKILL');
      await holds(() => stateOf(name) === 'stopped');
      const { exit } = read(roots, name) ?? {};
      t.is(await wait(name), whom === 'init' ? 137 : null);
      if (whom === 'monitor') t.is(exit?.reason ?? 'lost', 'lost');
      await start(name);
      await holds(() => stateOf(name) === 'running');
    }
    await saying(name, '4\n');
    await stop(name);
    t.is((await said(name)).stdout.trim().split('\n').at(-1), '4');
    t.is(verdict(name), undefined);
  }
  same();
});

faults('a monitor that is stopped: kill, stop and rm -f do their work or say what to do, within ten seconds', async (t) => {
  t.timeout(SHORT_TIME);
  for (const words of [['kill'], ['stop'], ['stop', '-t', '0'], ['rm', '-f'], ['kill', '-s', 'TERM']]) {
    const name = await detached(t, ['sleep', '1000']);
    const { monitor, init } = pidsOf(name);
    process.kill(monitor, 'SIGSTOP');
    const { code, stderr, ms } = await command([...CRT, ...words, name]);
    t.true(ms < SLOWEST, `${words.join(' ')}: ${ms} ms`);
    await holds(() => !/^[RSDT]$/.test(letter(init) ?? ''), 'the container has ended');
    if (words[0] === 'stop') {
      t.is(code, 125);
      t.regex(stderr, /is stopped by a signal[\s\S]*kill -CONT/);
    } else t.is(code, 0, stderr);
    if (words[0] === 'rm') {
      t.deepEqual(remains(name), []);
      t.false(/^[RSDT]$/.test(letter(monitor) ?? ''));
      continue;
    }
    t.is(stateOf(name), 'stopped');
    process.kill(monitor, 'SIGCONT');
    await wait(name);
    t.is(read(roots, name)?.exit?.exitCode, 137);
    t.is(verdict(name), undefined);
  }
});

faults('a paused container dies at its time limit', async (t) => {
  const name = await detached(t, ['sleep', '1000'], { timeout: 1500 });
  await pause(name);
  const begin = performance.now();
  t.is(await wait(name), 124);
  t.true(performance.now() - begin < 20_000);
  t.is(read(roots, name)?.exit?.reason, 'timeout');
  t.is(verdict(name), undefined);
});

faults('a paused container can be stopped, killed and removed', async (t) => {
  for (const work of [stop, kill, (name: string) => void remove(name, { force: true })]) {
    const name = await detached(t, ['sleep', '1000']);
    await pause(name);
    await work(name);
    await holds(() => stateOf(name) !== 'running');
    t.is(verdict(name), undefined);
  }
});

/** Rewrites a file. */
function change(path: string, replace: (text: string) => string): void {
  writeFileSync(path, replace(readFileSync(path, 'utf8')));
}

faults('after a restart of the machine, with stale state or none: stopped, lost, and start works', async (t) => {
  t.timeout(SHORT_TIME);
  for (const how of ['stale', 'gone']) {
    const name = await detached(t, ['sh', '-c', 'echo x >>/kept; wc -l </kept; exec sleep 1000']);
    const { monitor, init } = pidsOf(name);
    await saying(name, '1\n');
    process.kill(monitor, 'SIGKILL');
    await holds(() => !/^[RSDT]$/.test(letter(init) ?? ''));
    const directory = `${roots.state}/${name}`;
    const layer = read(roots, name)?.record?.layer ?? '';
    // A restart leaves no cgroup.
    for (const { path } of read(roots, name)?.cgroups?.directories ?? []) rmdirIfThere(path);
    const boot = /"bootId":"[^"]+"/g;
    const other = '"bootId":"00000000-0000-4000-8000-000000000000"';
    for (const file of readdirSync(directory).filter((entry) => /^(state\.json|pid|monitor|cgroup\.json)$/.test(entry)))
      change(`${directory}/${file}`, (text) => text.replaceAll(boot, other));
    change(`${layer}/owner.json`, (text) => text.replaceAll(boot, other));
    if (how === 'gone') rmSync(directory, { recursive: true });
    t.is(stateOf(name), 'stopped', how);
    await start(name);
    await holds(() => stateOf(name) === 'running');
    await saying(name, '2\n');
    await stop(name);
    t.is((await said(name)).stdout, '1\n2\n', how);
    t.is(verdict(name), undefined);
  }
});

function rmdirIfThere(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody was faster.
  }
}

faults('a number that is somebody else’s by now is never signalled', async (t) => {
  t.timeout(SHORT_TIME);
  for (const work of [
    (name: string) => kill(name),
    (name: string) => stop(name),
    (name: string) => Promise.resolve(void remove(name, { force: true })),
  ]) {
    const stranger = startCrt(t, ['events'], { stdio: 'ignore' });
    // A number is used again in a later tick of the clock than the one in which it was given before.
    const began = startTime(stranger.pid ?? 0) ?? 0;
    await holds(() => Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 100 > began + 2);
    const name = await detached(t, ['sleep', '1000']);
    const { monitor, init } = pidsOf(name);
    process.kill(monitor, 'SIGKILL');
    await holds(() => !/^[RSDT]$/.test(letter(init) ?? ''));
    // The kernel has given both numbers to the stranger.
    for (const file of ['pid', 'monitor'])
      change(`${roots.state}/${name}/${file}`, (text) => text.replace(/"pid":\d+/, `"pid":${stranger.pid}`));
    await work(name).catch((error: unknown) => t.regex((error as Error).message, /is not running/));
    t.is(stranger.exitCode, null);
    t.is(stranger.signalCode, null);
    t.not(stateOf(name), 'running');
    removeIfThere(name);
    t.deepEqual(remains(name), []);
    t.is(stranger.signalCode, null);
    stranger.kill();
  }
});

faults('two crt start of one name: one wins; fifty starts and stops in a row; rm -f in the middle of a start', async (t) => {
  t.timeout(LONG ? 3_600_000 : SHORT_TIME);
  const name = await detached(t, ['sh', '-c', 'echo x >>/kept; exec sleep 1000']);
  await stop(name);
  const both = await Promise.all([crt(t, ['start', name]), crt(t, ['start', name])]);
  t.deepEqual(both.map(({ code }) => code).sort(), [0, 125]);
  t.regex(both.map(({ stderr }) => stderr).join(''), /is running|not a stopped container any more|is creating/);
  await stop(name);
  for (let round = 0; round < (LONG ? 50 : 15); round++) {
    await start(name);
    await stop(name, { timeout: 0 });
    t.is(stateOf(name), 'stopped');
  }
  const { ms } = await command([...CRT, 'start', name]);
  await stop(name);
  const problems: string[] = [];
  for (let round = 0; round < (LONG ? 50 : 6); round++) {
    const starting = command([...CRT, 'start', name]);
    await delay((ms * round) / 6);
    const removal = await command([...CRT, 'rm', '-f', name]);
    const { code, stderr } = await starting;
    if (code !== 0 && !/^crt: /.test(stderr)) problems.push(`start: ${code} ${stderr}`);
    if (/bug/i.test(stderr)) problems.push(stderr);
    if (removal.code !== 0 && !/in the hands of/.test(removal.stderr)) problems.push(`rm -f: ${removal.stderr}`);
    const problem = verdict(name);
    if (problem !== undefined) problems.push(`round ${round}: ${problem}`);
    await runDetached({ name, rootfs: ROOTFS, command: ['sleep', '1000'] });
    await stop(name);
  }
  t.deepEqual(problems, []);
});

faults('over at once: with and without --rm, with a policy, waited for; stopped during its back-off', async (t) => {
  t.timeout(SHORT_TIME);
  for (let round = 0; round < 5; round++) {
    const kept = await detached(t, ['sh', '-c', 'exit 3']);
    t.is(await wait(kept), 3);
    const [other, words] = [ownBox(t), ['--', 'true']];
    t.is((await command(runWords(other, '--rm', ...words))).code, 0);
    await holds(() => remains(other).length === 0);
    const again = await detached(t, ['false'], { restart: { on: 'always' } });
    if (round % 2 === 0) await holds(() => stateOf(again) === 'restarting');
    await stop(again);
    t.is(stateOf(again), 'stopped');
    const { start: count } = read(roots, again)?.record ?? {};
    await delay(300);
    t.is(read(roots, again)?.record?.start, count);
    t.is(stateOf(again), 'stopped');
    const racer = await detached(t, ['sleep', '0.01']);
    await stop(racer);
    await start(racer);
    await stop(racer);
    t.is(stateOf(racer), 'stopped');
    for (const name of [kept, again, racer]) t.is(verdict(name), undefined);
  }
});
