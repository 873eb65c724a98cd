import { type Result, run } from '../../src/index.js';
import { until } from '../in-time.js';
import { box, contain, e2e, ended, ROOTFS, startCrt } from './support.js';

const TRAPS =
  'for s in TERM INT HUP QUIT USR1 USR2; do trap "echo got $s; exit 3$((i+=1))" $s; done; echo ready; while :; do sleep 1000 & wait $!; done';

for (const [at, signal] of (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const).entries()) {
  e2e(`${signal} to crt run reaches the command`, async (t) => {
    const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', TRAPS.replace('i+=1', String(at))]);
    await until(child.stdout, 'ready');
    const end = ended(child);
    child.kill(signal);
    const { stdout, code } = await end;
    t.is(stdout.trim().split('\n').at(-1), `got ${signal.slice(3)}`);
    t.is(code, Number(`3${at}`));
  });
}

for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
  ['SIGHUP', 1],
  ['SIGQUIT', 3],
] as const) {
  e2e(`${signal} ends a command that would swallow it: ${128 + number}`, async (t) => {
    const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await until(child.stdout, 'ready');
    const end = ended(child);
    child.kill(signal);
    t.is((await end).code, 128 + number);
  });
}

e2e('what the command ignores on purpose is ignored; a second Ctrl-C within two seconds is not', async (t) => {
  const child = startCrt(t, [
    'run',
    box(t),
    '--',
    'sh',
    '-c',
    'trap "" INT TERM; trap "echo alive" USR1; echo ready; while :; do sleep 1000 & wait $!; done',
  ]);
  await until(child.stdout, 'ready');
  child.kill('SIGTERM');
  child.kill('SIGINT');
  child.kill('SIGUSR1');
  await until(child.stdout, 'alive');
  const end = ended(child);
  child.kill('SIGINT');
  t.true([130, 137].includes((await end).code ?? 0));
});

e2e('USR1 that nobody handles does nothing to PID 1, and does not end crt', async (t) => {
  const child = startCrt(t, [
    'run',
    box(t),
    '--',
    'sh',
    '-c',
    'trap "echo seen; exit 5" USR2; echo ready; while :; do sleep 1000 & wait $!; done',
  ]);
  await until(child.stdout, 'ready');
  const end = ended(child);
  child.kill('SIGUSR1');
  child.kill('SIGUSR2');
  t.like(await end, { stdout: 'seen\n', code: 5 });
});

e2e('aborting ends the container', async (t) => {
  const abort = new AbortController();
  const result = await contain(t, { command: ['sleep', '1000'], signal: abort.signal, onStart: () => abort.abort() });
  t.like(result, { isCanceled: true, reason: 'canceled', signal: 'SIGKILL', failed: true, timedOut: false, oomKilled: false });
});

e2e('aborting before or during the start leaves nothing, and no container runs', async (t) => {
  const name = box(t);
  const abort = new AbortController();
  abort.abort();
  const early: unknown = await run({ name, rootfs: ROOTFS, command: ['true'], signal: abort.signal }).catch((error: unknown) => error);
  t.is((early as DOMException).name, 'AbortError');
  // At every turn of the event loop from the plan to the command.
  for (let turns = 0; turns < 400; turns += 16) {
    const during = new AbortController();
    const abortAfter = (left: number): void => void (left === 0 ? during.abort() : setImmediate(abortAfter, left - 1));
    const outcome: unknown = await run({
      name,
      rootfs: ROOTFS,
      command: ['sleep', '1000'],
      signal: during.signal,
      onPlan: () => abortAfter(turns),
    }).catch((error: unknown) => error);
    if (outcome instanceof Error) t.is(outcome.message, 'the start was canceled');
    else t.like(outcome as Result, { isCanceled: true, reason: 'canceled', signal: 'SIGKILL' });
  }
});

e2e('the library’s kill: a handled signal is delivered, a swallowed one ends the container', async (t) => {
  const name = box(t);
  const swallowed = await run({ name, rootfs: ROOTFS, command: ['sleep', '1000'], onStart: (container) => container.kill() });
  t.like(swallowed, { exitCode: 143, signal: 'SIGTERM', reason: 'signal', isTerminated: true });
  const killed = await run({ name, rootfs: ROOTFS, command: ['sleep', '1000'], onStart: (container) => container.kill('SIGKILL') });
  t.like(killed, { exitCode: 137, signal: 'SIGKILL', reason: 'signal', oomKilled: false });
});

e2e('--init: PID 1 passes signals on and ends as the command did', async (t) => {
  const child = startCrt(t, [
    'run',
    box(t),
    '--init',
    '--',
    'sh',
    '-c',
    'trap "echo got TERM; exit 4" TERM; echo "ready $$ $(cat /proc/1/comm)"; while :; do sleep 1000 & wait $!; done',
  ]);
  const said = await until(child.stdout, '\n');
  t.regex(said, /^ready (?!1 )\d+ crt-init\n/);
  const end = ended(child);
  child.kill('SIGTERM');
  t.like(await end, { stdout: 'got TERM\n', code: 4 });
});

e2e('--init: a command that handles nothing is ended by the signal itself', async (t) => {
  const child = startCrt(t, ['run', box(t), '--init', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
  await until(child.stdout, 'ready');
  const end = ended(child);
  child.kill('SIGTERM');
  t.is((await end).code, 143);
});

e2e('--init reaps orphans', async (t) => {
  const orphans = '(for i in 1 2 3 4 5; do (sh -c "exit 0" &) ; done); sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l';
  const { stdout, exitCode } = await contain(t, { command: ['sh', '-c', `${orphans}; exit 6`], init: true });
  t.deepEqual([stdout, exitCode], ['0\n', 6]);
});

e2e('a container whose crt is stopped goes on, and crt goes on after it', async (t) => {
  const child = startCrt(t, ['run', box(t), '--', 'sh', '-c', 'echo ready; read line; echo "$line"; exit 8']);
  await until(child.stdout, 'ready');
  const end = ended(child);
  child.kill('SIGSTOP');
  child.stdin?.end('through\n');
  await until(child.stdout, 'through');
  child.kill('SIGCONT');
  t.is((await end).code, 8);
});
