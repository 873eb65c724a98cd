import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { prepare, run, UserError } from '../../src/index.js';
import { until } from '../in-time.js';
import { box, crt, descendants, type Ended, e2e, folder, ROOTFS, startCrt, traces } from './support.js';

const BAD = [
  '',
  '.',
  '..',
  '-x',
  '.hidden',
  '_x',
  'a/b',
  '../up',
  'a b',
  'a\nb',
  'ünïcode',
  'a\u202eb',
  '\x1b[31m',
  '%s',
  'x'.repeat(64),
  'a:b',
  'a\0b',
];
for (const name of BAD) {
  e2e(`the name ${JSON.stringify(name)} is refused`, async (t) => {
    // A rootfs that is not there would be the next complaint.
    const error = await t.throwsAsync(run({ name, rootfs: '/no/such/rootfs' }), { instanceOf: UserError });
    t.regex(error?.message ?? '', /name/);
    t.notRegex(error?.message ?? '', /[\x1b\u202e\n\0]/, 'what a terminal would act on is spelled out');
  });
}

for (const name of ['a', '9', 'A.b_c-d', 'x'.repeat(63)]) {
  e2e(`the name ${name} is taken, and is the hostname`, async (t) => {
    const { stdout } = await run({ name, rootfs: ROOTFS, command: ['cat', '/proc/sys/kernel/hostname'] });
    t.is(stdout, `${name}\n`);
    t.deepEqual(name.length > 1 ? traces(name) : [], []);
  });
}

e2e('bad names are refused on the command line before anything is looked at', async (t) => {
  const { code, stderr, stdout } = await crt(t, ['run', '../x', '--rootfs', '/no/such/rootfs', '--', 'true']);
  t.deepEqual([code, stdout], [125, '']);
  t.regex(stderr, /name/);
  t.notRegex(stderr, /rootfs/);
});

e2e('twenty runs of one name at once: one wins, the others say that the name is taken', async (t) => {
  const name = box(t);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let started = 0;
  let refused = 0;
  const count = (): void => {
    if (started + refused === 20) release();
  };
  const onStart = (): void => {
    started += 1;
    count();
  };
  const runs = Array.from({ length: 20 }, async () => {
    try {
      // The winner stays until all the others have had their answer.
      return await run({ name, rootfs: ROOTFS, command: ['cat'], input: waitingInput(held), onStart });
    } catch (error) {
      refused += 1;
      count();
      return error;
    }
  });
  const outcomes = await Promise.all(runs);
  const errors = outcomes.filter((outcome) => outcome instanceof Error);
  t.is(started, 1);
  t.is(errors.length, 19);
  for (const error of errors) {
    t.true(error instanceof UserError, String(error));
    t.regex((error as Error).message, new RegExp(`^the name ${name} is taken by a (running container|container that is being started)`));
  }
});

function waitingInput(held: Promise<void>): NodeJS.ReadableStream {
  return Readable.from(
    (async function* () {
      await held;
      yield 'end';
    })(),
  );
}

e2e('a second run of a name that runs says so and leaves the first alone', async (t) => {
  const name = box(t);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let second: Promise<Ended> | undefined;
  const onStart = (): void => {
    second = crt(t, ['run', name, '--', 'true']);
    second.then(release, release);
  };
  const first = await run({ name, rootfs: ROOTFS, command: ['cat'], input: waitingInput(held), onStart });
  t.like(first, { exitCode: 0, stdout: 'end' });
  const { code, stderr } = await (second as Promise<Ended>);
  t.is(code, 125);
  t.regex(stderr, new RegExp(`crt: the name ${name} is taken by a running container \\(pid \\d+\\)\n`));
});

e2e('the same name again right after, fifty times', async (t) => {
  const name = box(t);
  for (let at = 0; at < 50; at++) t.is((await run({ name, rootfs: ROOTFS, command: ['echo', String(at)] })).stdout, `${at}\n`);
});

e2e('a name and a state folder that somebody else made is not taken over', async (t) => {
  const state = await folder(t);
  const name = box(t);
  mkdirSync(`${state}/${name}`);
  writeFileSync(`${state}/${name}/precious`, 'mine');
  const { code } = await crt(t, ['run', name, '--', 'echo', 'ran'], { env: { CRT_STATE_DIR: state } });
  t.is(code, 125);
  t.is(readFileSync(`${state}/${name}/precious`, 'utf8'), 'mine');
});

e2e('after crt and its monitor were killed the next run of the name repairs what they left', async (t) => {
  const name = box(t);
  // Any command that looks at the state folders would clear up: no other test looks at these.
  const env = { CRT_STATE_DIR: `${await folder(t)}/state` };
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo ready; exec sleep 1000'], { env });
  await until(child.stdout, 'ready');
  const monitors = descendants('crt-init', child.pid);
  t.is(monitors.length, 1);
  const gone = once(child, 'close');
  // Stopped first: neither sees the other die.
  for (const pid of [child.pid ?? 0, ...monitors]) process.kill(pid, 'SIGSTOP');
  for (const pid of [child.pid ?? 0, ...monitors]) process.kill(pid, 'SIGKILL');
  await gone;
  t.true(traces(name).length > 0, 'something was left');
  t.like(await crt(t, ['run', name, '--', 'echo', 'again'], { env }), { code: 0, stdout: 'again\n' });
});

/** A cgroup that somebody else made, empty, where a container of this name would have its own. */
function foreignCgroup(t: ExecutionContext, name: string): string {
  const path = prepare({ name, rootfs: ROOTFS }).cgroup.paths[0];
  if (path === undefined) throw new Error('no cgroups here');
  mkdirSync(path, { recursive: true });
  t.teardown(() => rmdirSync(path));
  return path;
}

const NOT_OURS = /a cgroup \S+ exists already and is not crt's/;

e2e("somebody else's empty cgroup is refused before anything is touched, and stays", async (t) => {
  const name = `t-${randomBytes(6).toString('hex')}`;
  const path = foreignCgroup(t, name);
  await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['true'], onPlan: () => t.fail() }), {
    instanceOf: UserError,
    message: NOT_OURS,
  });
  t.true(existsSync(path));
});

e2e("one that is made after the look, and before crt's own, stays, too", async (t) => {
  const name = `t-${randomBytes(6).toString('hex')}`;
  let path = '';
  const onPlan = (): void => {
    path = foreignCgroup(t, name);
  };
  await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['true'], onPlan }), { instanceOf: UserError, message: NOT_OURS });
  t.true(existsSync(path));
  t.deepEqual(
    traces(name).filter((trace) => !trace.endsWith(path)),
    [],
  );
});
