import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { bootId, isAlive, parseStat, startTime } from '../../src/host/process.js';
import { exited, holds, until } from '../in-time.js';

const AFTER = 'S 1 2 3 4 -1 4194560 5 6 7 8 9 10 11 12 20 0 1 0 987654 1000 50 18446744073709551615';

for (const comm of ['sh', 'a b', 'x) R 1 (y', ')', '((']) {
  test(`stat of a process called "${comm}"`, (t) => {
    t.deepEqual(parseStat(`42 (${comm}) ${AFTER}`), { state: 'S', startTime: 987654 });
  });
}

test('a cut-off stat is no answer', (t) => {
  t.is(parseStat('42 (sh) S 1 2 3'), undefined);
  t.is(parseStat(''), undefined);
});

test('no process has an impossible pid', (t) => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31]) t.is(startTime(pid), undefined);
});

test('this process is alive, another start time or boot is another process', (t) => {
  const identity = { pid: process.pid, startTime: startTime(process.pid) ?? -1, bootId: bootId() };
  t.true(isAlive(identity));
  t.false(isAlive({ ...identity, startTime: identity.startTime + 1 }));
  t.false(isAlive({ ...identity, bootId: '00000000-0000-0000-0000-000000000000' }));
  t.regex(identity.bootId, /^[0-9a-f-]{36}$/);
});

test('an ended child is not alive', async (t) => {
  const child = spawn('sleep', ['1000']);
  const pid = child.pid ?? -1;
  const identity = { pid, startTime: startTime(pid) ?? -1, bootId: bootId() };
  t.true(isAlive(identity));
  child.kill('SIGKILL');
  await exited(child);
  t.false(isAlive(identity));
});

test('a zombie is not alive, though its pid still exists', async (t) => {
  // The shell becomes a `cat` that never waits for the child: once cat answers, the child's end leaves a zombie.
  const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const pid = Number(await until(parent.stdout, '\n'));
  parent.stdin.write('ready');
  await until(parent.stdout, 'ready');
  process.kill(pid, 'SIGKILL');
  const state = (): string | undefined => parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state;
  await holds(() => state() === 'Z', 'it is a zombie');
  t.not(startTime(pid), undefined);
  t.false(isAlive({ pid, startTime: startTime(pid) ?? -1, bootId: bootId() }));
});
