import type { ChildProcess } from 'node:child_process';
import { type ProcessSummary, top } from '../../src/index.js';
import { until } from '../in-time.js';
import { box, crt, e2e, ended, startCrt, untilRunning } from './support.js';

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await ended(child);
}

e2e('every process, by the numbers of the host and those inside', async (t) => {
  const name = box(t);
  const child = startCrt(t, ['run', name, '-u', '1000:1000', '--', 'sh', '-c', 'sleep 1234 & echo ready; wait']);
  await until(child.stdout, 'ready');
  await untilRunning(name);
  const { code, stdout } = await crt(t, ['top', name]);
  t.is(code, 0);
  const [titles = '', ...lines] = stdout.trimEnd().split('\n');
  t.deepEqual(titles.split(/ +/).filter(Boolean), ['UID', 'PID', 'PPID', 'INPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  const [init, sleeper] = lines.map((line) => line.trim().split(/ +/));
  t.deepEqual([init?.[0], init?.[3]], ['1000', '1']);
  t.is(sleeper?.slice(8).join(' '), 'sleep 1234');
  t.is(sleeper?.[2], init?.[1], 'its parent');
  const [first, second] = JSON.parse((await crt(t, ['top', name, '--json'])).stdout) as ProcessSummary[];
  t.like(first, { pidInside: 1, uid: 1000, pid: Number(init?.[1]) });
  t.true((first?.hostUid ?? 0) > 65_536, 'a number that nobody has outside');
  t.deepEqual(second?.command, ['sleep', '1234']);
  t.true(Math.abs(Date.now() - Date.parse(second?.started ?? '')) < 120_000);
  t.regex((await crt(t, ['top', name, '-o', 'pid,comm'])).stdout, /^ *PID +COMMAND\n *\d+ +sh\n *\d+ +sleep\n$/);
  t.regex((await crt(t, ['top', name, 'aux'])).stdout, /^ *UID +PID +INPID +%CPU +VSZ +RSS/);
  const refused = await crt(t, ['top', name, '--sort=pid']);
  t.is(refused.code, 125);
  t.regex(refused.stderr, /does not know the ps option "--sort=pid"/);
  await stop(child);
});

e2e('what a process calls itself cannot act on the terminal, or forge a line', async (t) => {
  const name = box(t);
  const evil = String.raw`exec -a "$(printf 'evil\033[2J\n  0 1 forged\r\342\200\256x')" sleep 1000`;
  const child = startCrt(t, [
    'run',
    name,
    '--',
    'bash',
    '-c',
    `printf 'a) Z 1 (\\033[31m' > /proc/self/comm; (${evil}) & while [ "$(tr -d '\\0' < /proc/$!/cmdline | head -c 4)" != evil ]; do :; done; echo ready; wait`,
  ]);
  await until(child.stdout, 'ready');
  await untilRunning(name);
  const { stdout } = await crt(t, ['top', name]);
  t.notRegex(stdout, /[\x00-\x09\x0b-\x1f\x7f\u202e]/);
  t.is(stdout.trimEnd().split('\n').length, 3, stdout);
  t.true(stdout.includes(String.raw`evil\x1b[2J\n  0 1 forged\r\u202ex`), stdout);
  const names = (await crt(t, ['top', name, '-o', 'comm'])).stdout;
  t.true(names.includes(String.raw`a) Z 1 (\x1b[`), names);
  t.is(top(name)[0]?.state.length, 1);
  await stop(child);
});

e2e('a container that does not run has no processes', async (t) => {
  const name = box(t);
  await crt(t, ['run', name, '--keep', '--', 'true']);
  const { code, stderr } = await crt(t, ['top', name]);
  t.is(code, 125);
  t.regex(stderr, /is not running, it is stopped/);
  await crt(t, ['rm', name]);
  t.regex((await crt(t, ['top', 'nobody-has-this'])).stderr, /there is no container named/);
});
