// Class 31: who dies with whom. The monitor is PID 1's parent, crt the monitor's.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Plan, Step } from '../../src/plan/step.js';
import { box, contain, crt, e2e, folder, startCrt, traces } from '../e2e/support.js';
import { until } from '../in-time.js';

/** Milliseconds until what has to come counts as missing. */
const PATIENCE = 20_000;
const OTHER_THAN_ROOT = '65534';

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

const parentOf = (pid: number): number => Number(/^PPid:\s*(\d+)$/m.exec(read(pid, 'status'))?.[1]);
/** Whoever inherited it may not have reaped it yet. */
const isDead = (pid: number): boolean => !/^State:\t[^ZX]/m.test(read(pid, 'status'));

/** Looks until it holds. This process is crt, too, which does nothing meanwhile: it would kill what is in the cgroup. */
function holds(condition: () => boolean): boolean {
  for (const end = Date.now() + PATIENCE; Date.now() < end; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)) {
    if (condition()) return true;
  }
  return false;
}

for (const user of ['root', OTHER_THAN_ROOT]) {
  for (const noNewPrivileges of [true, false]) {
    e2e(`the monitor is killed: the kernel ends PID 1 of user ${user}, no-new-privileges=${noNewPrivileges}`, async (t) => {
      let isEnded = false;
      const running = contain(t, {
        command: ['sleep', '1000'],
        user,
        securityOpt: { noNewPrivileges },
        onStart: ({ pid }) => {
          process.kill(parentOf(pid), 'SIGKILL');
          isEnded = holds(() => isDead(pid));
        },
      });
      await t.throwsAsync(running, { message: /the monitor .* was killed/ });
      t.true(isEnded);
    });
  }
}

/** Has PID 1 wait where the change of ids has cleared its wish to die with its parent. The one before waits for the end of the stage. */
function holdAfterIds(plan: Plan): void {
  const steps = plan.steps as Step[];
  const hold = steps.splice(
    steps.findLastIndex(({ op }) => op === 'report'),
    2,
  );
  const identity = steps.findIndex(({ op }) => op === 'identity');
  const [ids, wish] = steps.slice(identity);
  if (hold[1]?.op !== 'await' || ids === undefined || wish?.op !== 'parent-death') throw new Error('the plan is another one');
  steps.splice(identity, 1, wish, ids, ...hold);
}

/** Where a process sleeps in the kernel, or `running`. */
const sleepsIn = (pid: number): string => read(pid, 'syscall').trim();

/** Lets PID 1 go on once its parent has died. @returns true when it has come to its command. */
function orphan(pid: number, monitor: number, before: string): boolean {
  // Elsewhere than before: it has given PID 1 its turn, which lies in the socket now.
  holds(() => /^\d/.test(sleepsIn(monitor)) && sleepsIn(monitor) !== before);
  process.kill(monitor, 'SIGKILL');
  holds(() => isDead(monitor));
  process.kill(pid, 'SIGCONT');
  holds(() => isDead(pid) || read(pid, 'comm') === 'sleep\n');
  return !isDead(pid);
}

e2e('the monitor is dead when PID 1 asks to die with it: the command never starts', async (t) => {
  let isStarted: boolean | undefined;
  const running = contain(t, {
    command: ['sleep', '1000'],
    user: OTHER_THAN_ROOT,
    // With it the last turn comes later, and nobody would give it.
    securityOpt: { noNewPrivileges: false },
    onPlan: holdAfterIds,
    onSteps: (_, { pid }) => {
      const monitor = parentOf(pid);
      process.kill(pid, 'SIGSTOP');
      holds(() => /^\d/.test(sleepsIn(monitor)));
      const before = sleepsIn(monitor);
      // The answer to the monitor goes first.
      setImmediate(() => {
        isStarted = orphan(pid, monitor, before);
      });
    },
  });
  await t.throwsAsync(running, { message: /the monitor .* was killed/ });
  t.is(isStarted, false);
});

e2e('crt is killed: the monitor ends the container, and has undone what was made for it', async (t) => {
  const [name, state] = [box(t), await folder(t)];
  // A folder of its own: another crt that looks at what runs would clean up.
  const env = { CRT_STATE_DIR: state };
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo up; exec sleep 1000'], { env });
  await until(child.stdout, 'up');
  child.kill('SIGKILL');
  const left = (): string[] => [...traces(name), ...readdirSync(state).filter((entry) => entry !== '.events')];
  for (const end = Date.now() + 2 * PATIENCE; left().length > 0 && Date.now() < end; ) await delay(20);
  const found = left();
  if (found.length > 0) await crt(t, ['rm', '-f', name], { env });
  t.deepEqual(found, []);
});
