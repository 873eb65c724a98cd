import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type ContainerEvent, events, list, remove, run } from '../../src/index.js';
import { exited, inTime, until } from '../in-time.js';
import { box, contain, crt, e2e, ended, MIB, ROOTFS, serial, startCrt } from './support.js';

/** What happened to a container, by the journal. */
async function history(name: string): Promise<ContainerEvent[]> {
  const found: ContainerEvent[] = [];
  for await (const event of events({ until: Date.now(), filter: [`container=${name}`] })) found.push(event);
  return found;
}

function kinds(found: readonly ContainerEvent[]): string[] {
  return found.map(({ event }) => event);
}

/** The next event of these kinds, as it happens. */
async function seen(stream: AsyncIterator<ContainerEvent, void>): Promise<ContainerEvent> {
  const { value } = await inTime('the next event', stream.next());
  if (value === undefined) throw new Error('the events have ended');
  return value;
}

/** Events from now on, with the first already asked for: from then on nothing is missed. */
function live(
  t: ExecutionContext,
  filter: readonly string[],
): { first: Promise<ContainerEvent>; rest: AsyncIterator<ContainerEvent, void> } {
  const end = new AbortController();
  t.teardown(() => end.abort());
  const rest = events({ filter, signal: end.signal })[Symbol.asyncIterator]();
  return { first: seen(rest), rest };
}

e2e('a life: start, exit with its code, and rm of what was kept', async (t) => {
  const name = box(t);
  await run({ name, rootfs: ROOTFS, command: ['sh', '-c', 'exit 7'], keep: true });
  remove(name);
  const [start, exit, rm, ...more] = await history(name);
  t.like(start, { event: 'start', name });
  t.like(exit, { event: 'exit', name, exitCode: 7, signal: null, reason: 'exit', id: start?.id ?? '' });
  t.like(rm, { event: 'rm', id: start?.id ?? '' });
  t.deepEqual(more, []);
});

e2e('a start that failed is no start', async (t) => {
  const name = box(t);
  await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['/nowhere'] }));
  t.deepEqual(await history(name), []);
});

e2e('a kill of PID 1 by the memory limit is told before the exit that it made', async (t) => {
  const name = box(t);
  const result = await contain(t, { name, memory: 20 * MIB, command: ['sh', '-c', 'exec tail /dev/zero'] });
  t.is(result.reason, 'oom');
  const found = await history(name);
  t.deepEqual(kinds(found), ['start', 'oom', 'exit']);
  t.like(found[1], { count: 1 });
  t.like(found[2], { exitCode: 137, signal: 'SIGKILL', reason: 'oom' });
});

e2e('a kill of a child is seen while PID 1 lives, and not told twice', async (t) => {
  const name = box(t);
  const { first, rest } = live(t, [`container=${name}`]);
  const container = startCrt(t, ['run', name, '--memory', '20', '--', 'sh', '-c', 'tail /dev/zero; cat']);
  t.like(await first, { event: 'start' });
  t.like(await seen(rest), { event: 'oom', count: 1 });
  t.is(list({ filter: [`name=${name}`] })[0]?.status, 'running');
  container.stdin?.end();
  t.like(await seen(rest), { event: 'exit', exitCode: 0 });
  await exited(container);
});

e2e('a limit on processes that was reached is told, live and afterwards', async (t) => {
  const name = box(t);
  const { first, rest } = live(t, [`container=${name}`]);
  const script = '(sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & wait); cat';
  const container = startCrt(t, ['run', name, '--pids-limit', '4', '--', 'sh', '-c', script]);
  t.like(await first, { event: 'start' });
  t.like(await seen(rest), { event: 'limit', resource: 'pids' });
  container.kill('SIGTERM');
  t.like(await seen(rest), { event: 'exit' });
  await exited(container);
  t.deepEqual(kinds(await history(name)), ['start', 'limit', 'exit']);
});

e2e('a container whose supervisor was killed has an exit that nobody saw', async (t) => {
  const name = box(t);
  const { first, rest } = live(t, [`container=${name}`]);
  const container = startCrt(t, ['run', name, '--', 'sleep', '1000']);
  t.like(await first, { event: 'start' });
  container.kill('SIGKILL');
  t.like(await seen(rest), { event: 'exit', exitCode: null, signal: null, reason: 'lost' });
  t.deepEqual(kinds(await history(name)), ['start', 'exit']);
});

e2e('a detached container: its start, a kill that nobody watched, its end, and its removal', async (t) => {
  const name = box(t);
  const { first, rest } = live(t, [`container=${name}`]);
  t.is((await crt(t, ['run', '-d', name, '--memory', '20', '--', 'sh', '-c', 'tail /dev/zero; exit 3'])).code, 0);
  t.like(await first, { event: 'start' });
  t.like(await seen(rest), { event: 'oom', count: 1 });
  t.like(await seen(rest), { event: 'exit', exitCode: 3, reason: 'exit' });
  t.is((await crt(t, ['rm', '-f', name])).code, 0);
  t.like(await seen(rest), { event: 'rm' });
  t.deepEqual(kinds(await history(name)), ['start', 'oom', 'exit', 'rm']);
});

serial('crt events: a line for each, as it happens; it ends with its reader, or at --until', async (t) => {
  const name = box(t);
  const watcher = startCrt(t, ['events', '--since', '1m', '--filter', `container=${name}`, '-f', 'event=start', '-f', 'event=die']);
  const first = until(watcher.stdout, '"exit"');
  await run({ name, rootfs: ROOTFS, command: ['true'] });
  const lines = (await first)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ContainerEvent);
  t.deepEqual(kinds(lines), ['start', 'exit']);
  watcher.stdout?.destroy();
  await run({ name, rootfs: ROOTFS, command: ['true'] });
  t.deepEqual(await exited(watcher), [0, null]);
  const past = await crt(t, ['events', '--since', '10m', '--until', 'now', '-f', `container=${name}`]);
  t.is(past.code, 0);
  t.deepEqual(
    past.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as ContainerEvent).event),
    ['start', 'exit', 'start', 'exit'],
  );
  const soon = startCrt(t, ['events', '--until', String(Date.now() / 1000 + 0.5), '-f', `container=${name}x`]);
  t.is((await ended(soon)).code, 0);
});

e2e('what is no filter, no time, no span', async (t) => {
  for (const [words, message] of [
    [['--filter', 'colour=red'], /unknown filter "colour=red"/],
    [['--filter', 'event=birthday'], /there is no event "birthday"/],
    [['--since', 'soon'], /--since: "soon" is not a time/],
    [['--since', '1m', '--until', '2m'], /end before they begin/],
  ] as const) {
    const { code, stdout, stderr } = await crt(t, ['events', ...words]);
    t.deepEqual([code, stdout], [125, '']);
    t.regex(stderr, message);
  }
});

e2e('a journal that cannot be written makes no run fail', async (t) => {
  const name = box(t);
  const { code, stdout, stderr } = await crt(t, ['run', name, '--', 'sh', '-c', 'echo ran'], { env: { CRT_STATE_DIR: blocked(t) } });
  t.deepEqual([code, stdout], [0, 'ran\n']);
  t.notRegex(stderr, /journal|events/);
});

/** A state directory in which a folder stands in the place of the journal. */
function blocked(t: ExecutionContext): string {
  const path = mkdtempSync('/tmp/crt-journal-');
  mkdirSync(`${path}/.events`);
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}
