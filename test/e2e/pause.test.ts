import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { pause, remove, run } from '../../src/index.js';
import { until } from '../in-time.js';
import { box, cgroupFile, crt, e2e, ended, ROOTFS, startCrt, traces, untilRunning } from './support.js';

/** Says a number again and again, as fast as it can. */
const COUNTER = 'i=0; while :; do i=$((i+1)); echo $i > /tmp/count; [ $i = 1 ] && echo ready; done';

/** A container that runs, and the supervisor in the foreground. */
async function running(t: ExecutionContext, command = COUNTER): Promise<{ name: string; child: ChildProcess }> {
  const name = box(t);
  const child = startCrt(t, ['run', name, '--memory', '64', '--', 'sh', '-c', command]);
  await until(child.stdout, 'ready');
  await untilRunning(name);
  return { name, child };
}

function frozen(name: string): string {
  return cgroupFile(name, ['freezer', 'freezer.state'], 'cgroup.freeze');
}

/** Ticks of processor time of the container's processes. */
function ticks(name: string): number {
  const pids = cgroupFile(name, ['memory', 'cgroup.procs'], 'cgroup.procs').split('\n');
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}

e2e('a paused container stands still, is shown as paused, and goes on', async (t) => {
  const { name, child } = await running(t);
  const paused = await crt(t, ['pause', name]);
  t.deepEqual([paused.code, paused.stdout, paused.stderr], [0, `${name}\n`, '']);
  const before = ticks(name);
  const list = JSON.parse((await crt(t, ['ps', '--json', '--filter', `name=${name}`])).stdout) as { status: string; pid: number }[];
  t.deepEqual(
    list.map(({ status }) => status),
    ['paused'],
  );
  t.is((await crt(t, ['ps', '-q', '--filter', 'status=paused', '--filter', `name=${name}`])).stdout, `${name}\n`);
  t.is((await crt(t, ['ps', '-q', '--filter', 'status=running', '--filter', `name=${name}`])).stdout, '');
  t.is(ticks(name), before, 'not a tick in the time of three commands');
  const again = await crt(t, ['pause', name]);
  t.deepEqual([again.code, again.stdout], [125, '']);
  t.regex(again.stderr, new RegExp(`${name} is paused already\\n\\s+crt unpause ${name}`));

  t.is((await crt(t, ['unpause', name])).stdout, `${name}\n`);
  t.regex(frozen(name), /^(THAWED|0)$/);
  const other = await crt(t, ['unpause', name]);
  t.is(other.code, 125);
  t.regex(other.stderr, /is not paused/);
  child.kill('SIGTERM');
  await ended(child);
});

e2e('one name that fails does not keep the others', async (t) => {
  const [first, second] = [await running(t), await running(t)];
  const { code, stdout, stderr } = await crt(t, ['pause', first.name, 'nobody-has-this', second.name, first.name]);
  t.is(code, 125);
  t.is(stdout, `${first.name}\n${second.name}\n`);
  t.regex(stderr, /^crt: there is no container named "nobody-has-this"\n/);
  t.is((await crt(t, ['unpause', first.name, second.name])).code, 0);
  for (const { child } of [first, second]) child.kill('SIGTERM');
  await Promise.all([ended(first.child), ended(second.child)]);
});

e2e('rm -f of a paused container works, and leaves nothing', async (t) => {
  const { name, child } = await running(t);
  pause(name);
  t.regex((await crt(t, ['rm', name])).stderr, /is running \(pid \d+\)/);
  t.regex(frozen(name), /^(FROZEN|1)$/);
  t.true(remove(name, { force: true }).killed);
  t.is((await ended(child)).code, 137);
  t.deepEqual(traces(name), []);
});

e2e('a paused container ends by its timeout', async (t) => {
  const result = await run({
    name: box(t),
    rootfs: ROOTFS,
    command: ['sleep', '1000'],
    timeout: 5000,
    onStart: ({ name }) => pause(name),
  });
  t.is(result.reason, 'timeout');
});

e2e('a paused container whose supervisor was killed is undone by the next command that looks', async (t) => {
  const { name, child } = await running(t);
  pause(name);
  child.kill('SIGKILL');
  await ended(child);
  await crt(t, ['ps', '--filter', `name=${name}`]);
  for (let round = 0; round < 500 && traces(name).length > 0; round++) await new Promise((resolve) => setTimeout(resolve, 20));
  t.deepEqual(traces(name), []);
});

e2e('one that forks without end stands still as well', async (t) => {
  const { name, child } = await running(t, 'echo ready; while :; do (sleep 0.05) & (:) & wait; done');
  pause(name);
  const pids = (): string => cgroupFile(name, ['pids', 'cgroup.procs'], 'cgroup.procs');
  const before = pids();
  await crt(t, ['ps', '-q']);
  t.is(pids(), before);
  remove(name, { force: true });
  await ended(child);
});

e2e('a paused container can be stopped and killed', async (t) => {
  const [first, second] = [box(t), box(t)];
  for (const name of [first, second]) await crt(t, ['run', '-d', name, '--', 'sleep', '1000']);
  t.is((await crt(t, ['pause', first, second])).code, 0);
  t.is((await crt(t, ['stop', '-t', '30', first])).code, 0);
  t.is((await crt(t, ['kill', second])).code, 0);
  t.is((await crt(t, ['wait', second])).stdout, '137\n');
  t.is((await crt(t, ['rm', first, second])).code, 0);
});

e2e('a container that has ended, and no name at all', async (t) => {
  t.regex((await crt(t, ['pause'])).stderr, /crt pause needs the name of a container/);
  const name = box(t);
  await crt(t, ['run', name, '--keep', '--', 'true']);
  const { code, stderr } = await crt(t, ['pause', name]);
  t.is(code, 125);
  t.regex(stderr, /is not running, it is stopped/);
  await crt(t, ['rm', name]);
  t.false(existsSync(`/run/crt/${name}`));
});
