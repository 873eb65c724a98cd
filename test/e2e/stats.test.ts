import type { ChildProcess } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { type ContainerStats, stats } from '../../src/index.js';
import { exited, until } from '../in-time.js';
import { Shell } from './pty.js';
import { box, crt, e2e, ended, MIB, ptyTest, startCrt, untilRunning } from './support.js';

const CRT_WORDS = Shell.run.replace(/ run$/, '');

async function running(t: ExecutionContext, script: string, flags: readonly string[] = []): Promise<{ name: string; child: ChildProcess }> {
  const name = box(t);
  const child = startCrt(t, ['run', name, ...flags, '--', 'sh', '-c', script]);
  await until(child.stdout, 'ready');
  await untilRunning(name);
  return { name, child };
}

async function end(...children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map(ended));
}

e2e('one sample: the processor of who is busy, memory beside its limit, processes', async (t) => {
  const busy = await running(t, 'echo ready; while :; do :; done', ['--memory', '50', '--pids-limit', '20']);
  const idle = await running(t, 'echo ready; sleep 1000');
  const { code, stdout } = await crt(t, ['stats', '--no-stream', '--json', busy.name, idle.name]);
  t.is(code, 0);
  const [first, second, ...rest] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ContainerStats);
  t.deepEqual([first?.name, second?.name, rest], [busy.name, idle.name, []]);
  t.true((first?.cpuPercent ?? 0) > 5 && (first?.cpuPercent ?? 0) < 130, `${first?.cpuPercent}`);
  t.true((second?.cpuPercent ?? 100) < (first?.cpuPercent ?? 0));
  t.is(first?.memoryLimit, 50 * MIB);
  t.is(second?.memoryLimit, null as unknown as undefined);
  t.true((first?.memoryUsage ?? 0) > 10_000);
  t.deepEqual([first?.pids, first?.pidsLimit, second?.pids], [1, 20, 2]);
  t.deepEqual([first?.netReceived, first?.netSent], [0, 0]);
  t.false('clockMs' in (first ?? {}));
  const table = await crt(t, ['stats', '--no-stream', busy.name]);
  t.regex(table.stdout, /^NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\n.* \/ 50 MiB .*%.* 1\n$/);
  await end(busy.child, idle.child);
});

e2e('bytes to and from block devices and the network of the host', async (t) => {
  const { name, child } = await running(t, 'head -c 3000000 /dev/zero > /root/f; sync /root/f; echo ready; sleep 1000', [
    '--network',
    'host',
  ]);
  const [sample] = stats([name]);
  t.is(sample?.netReceived, undefined);
  // Where the layer lies in memory nothing reaches a device.
  t.true(sample?.blockWritten === undefined || sample.blockWritten === 0 || sample.blockWritten >= 3_000_000, `${sample?.blockWritten}`);
  await end(child);
});

e2e('a name that is not there, one that has ended, and -a', async (t) => {
  const missing = await crt(t, ['stats', '--no-stream', 'nobody-has-this']);
  t.deepEqual([missing.code, missing.stdout], [125, '']);
  t.regex(missing.stderr, /there is no container named/);
  const name = box(t);
  await crt(t, ['run', name, '--keep', '--', 'true']);
  t.regex((await crt(t, ['stats', '--no-stream', name])).stdout, new RegExp(`\\n${name} +-- +-- / -- +-- `));
  t.true((await crt(t, ['stats', '--no-stream', '-a'])).stdout.includes(name));
  t.false((await crt(t, ['stats', '--no-stream'])).stdout.includes(name));
  await crt(t, ['rm', name]);
});

e2e('a stream of objects ends with the container that was named, or by Ctrl-C', async (t) => {
  const { name, child } = await running(t, 'echo ready; sleep 1000');
  const [named, all] = [startCrt(t, ['stats', '--json', name]), startCrt(t, ['stats', '--json'])];
  const [namedEnd, allEnd] = [ended(named), ended(all)];
  await Promise.all([until(named.stdout, '\n'), until(all.stdout, '\n')]);
  await end(child);
  const { code, stdout } = await namedEnd;
  t.is(code, 0);
  for (const line of stdout.trim().split('\n')) t.is((JSON.parse(line) as ContainerStats).name, name);
  all.kill('SIGINT');
  t.is((await allEnd).code, 0);
});

e2e('it ends when nobody reads any more', async (t) => {
  const { name, child } = await running(t, 'echo ready; sleep 1000');
  const watcher = startCrt(t, ['stats', '--json', name]);
  await until(watcher.stdout, '\n');
  watcher.stdout?.destroy();
  t.deepEqual(await exited(watcher), [0, null]);
  await end(child);
});

e2e('SIGTERM is told', async (t) => {
  const { name, child } = await running(t, 'echo ready; sleep 1000');
  const watcher = startCrt(t, ['stats', '--json', name]);
  const ending = ended(watcher);
  await until(watcher.stdout, '\n');
  watcher.kill('SIGTERM');
  t.is((await ending).code, 143);
  await end(child);
});

ptyTest('the table is drawn in its place, with a graph, and the cursor comes back', async (t) => {
  const { name, child } = await running(t, 'echo ready; while :; do :; done');
  const shell = new Shell(t, { columns: 120, rows: 20 });
  await shell.see(/HOST> /);
  shell.type(`${CRT_WORDS} stats ${name}\r`);
  await shell.see(/\x1b\[\?25l/);
  await shell.see(/CPU GRAPH/);
  // Two lines up: the second drawing.
  await shell.see(/\x1b\[2A\r/);
  await shell.see(new RegExp(`${name} +\\d+\\.\\d\\d% +[▁▂▃▄▅▆▇█]{2}`));
  shell.resize(60, 20);
  await shell.see(/\x1b\[H\x1b\[2J/);
  await shell.see(new RegExp(name));
  shell.type('\x03');
  await shell.see(/\x1b\[\?25h/);
  await shell.see(/HOST> /);
  shell.type('echo "code $?"\r');
  t.truthy(await shell.see(/\ncode 0\r\n/));
  await end(child);
});
