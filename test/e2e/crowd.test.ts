import { performance } from 'node:perf_hooks';
import { list, remove, runDetached, stop } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { holds } from '../in-time.js';
import { pidsOf } from './detached.js';
import { crt, descendants, LONGEST, MIB, ROOTFS, readProc, serial, traces } from './support.js';

const COUNT = Number(process.env['CRT_CROWD'] ?? 300);
/** What is started or stopped at a time. */
const AT_ONCE = 8;
/** What is never done without: `crt undo` of so many monitors at once, and some slack for those that are just leaving. */
const TURNS = 8;

async function each(names: readonly string[], work: (name: string) => unknown): Promise<number> {
  const begin = performance.now();
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return performance.now() - begin;
}

serial('three hundred at once: all start, ps answers, half are stopped and half die in one moment, and nothing is left', async (t) => {
  t.timeout(LONGEST);
  const prefix = `crowd-${process.pid}`;
  const names = Array.from({ length: COUNT }, (_, number) => `${prefix}-${number}`);
  t.teardown(() => {
    for (const name of names) if (read(stateRoots(), name) !== undefined) remove(name, { force: true });
  });
  const started = await each(names, (name) => runDetached({ name, rootfs: ROOTFS, command: ['sleep', '1000'], memory: 8 * MIB }));
  const begin = performance.now();
  const running = list({ filter: [`name=^${prefix}-`] });
  const listed = performance.now() - begin;
  t.is(running.length, COUNT);
  t.true(running.every(({ status }) => status === 'running'));
  const before = performance.now();
  const { stdout, code } = await crt(t, ['ps', '-q']);
  const asked = performance.now() - before;
  t.is(code, 0);
  t.is(stdout.split('\n').filter((line) => line.startsWith(`${prefix}-`)).length, COUNT);
  const [some, others] = [names.slice(0, COUNT / 2), names.slice(COUNT / 2)];
  const stopped = await each(some, (name) => stop(name));
  const pids = others.map((name) => pidsOf(name));
  const killed = performance.now();
  for (const { init } of pids) process.kill(init, 'SIGKILL');
  let most = 0;
  await holds(() => {
    most = Math.max(most, descendants('node', 1).filter((pid) => readProc(pid, 'cmdline').includes(`\0undo\0${prefix}-`)).length);
    return pids.every(({ monitor }) => readProc(monitor, 'comm').trim() !== 'crt-init');
  }, 'all monitors are gone');
  const gone = performance.now() - killed;
  t.is(
    list({ all: true, filter: [`name=^${prefix}-`] }).filter(({ status, exitCode }) => status === 'stopped' && exitCode !== null).length,
    COUNT,
  );
  const removed = await each(names, (name) => void remove(name));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  t.log(
    `${COUNT}: started in ${seconds(started)}, listed in ${Math.round(listed)} ms (crt ps: ${Math.round(asked)} ms), ${some.length} stopped in ${seconds(stopped)}, ` +
      `${others.length} killed at once and cleaned up in ${seconds(gone)} by at most ${most} processes, removed in ${seconds(removed)}`,
  );
  t.true(most <= TURNS, String(most));
  t.deepEqual(traces(prefix), []);
});
