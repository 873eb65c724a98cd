import { readFileSync } from 'node:fs';
import test from 'ava';
import { StepError } from '../../src/errors.js';
import { run } from '../../src/index.js';
import { ptySerial } from '../e2e/support.js';
import { PATIENCE } from '../in-time.js';

function field(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

/** Waits until a process is in this state. */
async function until(pid: number, state: string): Promise<void> {
  for (const end = performance.now() + PATIENCE; field(pid, 'State') !== state; await new Promise(setImmediate)) {
    if (performance.now() > end) throw new Error(`process ${pid} is never in the state ${state}, but in ${field(pid, 'State')}`);
  }
}

const name = `helper-${process.pid}`;

test.serial('init dies while it waits for its turn: the step that it could not do is named', async (t) => {
  const error = await t.throwsAsync(
    run({ name, command: ['/bin/true'], onSteps: (_results, { pid }) => void process.kill(pid, 'SIGKILL') }),
    { instanceOf: StepError },
  );
  t.is(error.op, 'exec');
  t.is(error.errno, 0);
  t.regex(error.message, /killed by signal 9/);
});

test.serial('the same while the monitor is stopped, and finds turn, request and death at once', async (t) => {
  const error = await t.throwsAsync(
    run({
      name,
      command: ['/bin/true'],
      onSteps: async (_results, { pid }) => {
        const monitor = Number(field(pid, 'PPid'));
        process.kill(monitor, 'SIGSTOP');
        await until(monitor, 'T');
        process.kill(pid, 'SIGKILL');
        await until(pid, 'Z');
        setImmediate(() => process.kill(monitor, 'SIGCONT'));
      },
    }),
    { instanceOf: StepError },
  );
  t.is(error.op, 'exec');
  t.regex(error.message, /killed by signal 9/);
});

test.serial('nothing but stdio is open inside, with and without a reaper', async (t) => {
  const look = ['sh', '-c', 'ls -C /proc/$$/fd; ls -C /proc/1/fd; true'];
  t.is((await run({ name, command: look })).stdout, '0  1  2\n0  1  2\n');
  // The reaper has no descriptor at all, and its program file, which is the host's, cannot be reached through it.
  const reaped = ['sh', '-c', 'ls -C /proc/$$/fd; ls -C /proc/1/fd; readlink /proc/1/exe || cat /proc/1/exe || echo refused'];
  t.is((await run({ name, command: reaped, init: true })).stdout, '0  1  2\nrefused\n');
});

test.serial('the reaper passes on signals, reaps orphans and ends as the command does', async (t) => {
  const script = 'trap "exit 7" TERM; (sleep 0 &) ; while :; do :; done';
  const ended = await run({ name, command: ['sh', '-c', script], init: true, onStart: (container) => container.kill('SIGTERM') });
  t.true(ended.exitCode === 7 || ended.exitCode === 143);
  const killed = await run({ name, command: ['sh', '-c', 'kill -9 $$'], init: true });
  t.is(killed.exitCode, 137);
  const orphans = await run({
    name,
    command: ['sh', '-c', '(true & true &); while grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null; do :; done; echo none'],
    init: true,
  });
  t.is(orphans.stdout, 'none\n');
});

ptySerial('all output of a terminal arrives', async (t) => {
  for (let round = 0; round < 10; round++) {
    const { stdout } = await run({
      name,
      command: ['sh', '-c', 'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done'],
      tty: true,
    });
    t.is(stdout.split('\r\n').length, 501);
  }
});

ptySerial('what speaks to the terminal after all others have closed it is heard', async (t) => {
  const { stdout } = await run({
    name,
    command: ['sh', '-c', 'exec </dev/null >/dev/null 2>&1; sleep 0.2; echo later >/dev/console'],
    tty: true,
  });
  t.is(stdout, 'later\r\n');
});
