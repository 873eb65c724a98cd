import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { createConnection } from 'node:net';
import { exec, inspect, kill, list, logs, remove, runDetached, stop, UserError, wait } from '../../src/index.js';
import { Control } from '../../src/launch/control.js';
import { REQUEST, requestBytes } from '../../src/launch/requests.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { holds, inTime, until } from '../in-time.js';
import { detached, ownBox, pidsOf, said, stateOf } from './detached.js';
import { smallRootfs } from './small-rootfs.js';
import { box, crt, e2e, ended, host, MIB, ROOTFS, readProc, startCrt, traces } from './support.js';

const roots = stateRoots();

e2e('-d returns when the command runs, prints the name, and leaves a monitor and no Node', async (t) => {
  const name = ownBox(t);
  const { stdout, stderr, code } = await crt(t, ['run', '-d', name, '--memory', '50', '--', 'sh', '-c', 'echo out; echo err >&2; read x']);
  t.deepEqual({ stdout, stderr: stderr.replace(/^crt: the rootfs.*\n/, ''), code }, { stdout: `${name}\n`, stderr: '', code: 0 });
  // Without -i its input is empty: it ends.
  t.is(await wait(name), 1);
  t.deepEqual(await said(name), { stdout: 'out\n', stderr: 'err\n' });
  t.is(stateOf(name), 'stopped');
  t.deepEqual(
    traces(name).filter((trace) => !trace.startsWith('folder ')),
    [],
  );
});

e2e('what stays is the monitor, of its own session, outside of the container, with no file of the host open', async (t) => {
  const name = await detached(t, ['sleep', '1000']);
  const { monitor, init } = read(roots, name) ?? {};
  if (monitor === undefined || init === undefined) throw new Error('nobody runs it');
  t.is(readProc(monitor.pid, 'comm').trim(), 'crt-init');
  const [, session] = /\) \S \d+ \d+ (\d+)/.exec(readProc(monitor.pid, 'stat')) ?? [];
  t.is(Number(session), monitor.pid);
  t.false(readProc(monitor.pid, 'cgroup').includes(name));
  // Well under a megabyte; with glibc it is 700 kB.
  t.true(Number(/^Pss:\s+(\d+)/m.exec(readProc(monitor.pid, 'smaps_rollup'))?.[1]) < 1000);
  t.is(readProc(monitor.pid, 'mountinfo').split('\n').length, readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length);
  t.is(stateOf(name), 'running');
});

e2e('a command that is not there: the error of a start, and nothing is left', async (t) => {
  const name = box(t);
  const error = await t.throwsAsync(runDetached({ name, rootfs: ROOTFS, command: ['nope'] }), { instanceOf: UserError });
  t.regex(error?.message ?? '', /nope/);
  t.is((error as UserError).exitCode, 127);
  t.deepEqual(traces(name), []);
});

e2e('the name is taken until rm, and rm takes the log with it', async (t) => {
  const name = await detached(t, ['true']);
  t.is(await wait(name), 0);
  await t.throwsAsync(runDetached({ name, rootfs: ROOTFS, command: ['true'] }), { message: /is taken by a stopped container/ });
  remove(name);
  t.deepEqual(traces(name), []);
});

e2e('--rm: nothing stays, and whoever waits still hears the exit code', async (t) => {
  const name = await detached(t, ['sh', '-c', 'read x; exit 9'], { rm: true, stdin: true });
  const code = wait(name);
  await kill(name, 'SIGTERM');
  t.is(await code, 143);
  t.deepEqual(traces(name), []);
});

e2e(
  'stop: a command that handles TERM ends by itself; one that would not hear it is killed at once; one that ignores it after a while',
  async (t) => {
    const polite = await detached(t, ['sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done']);
    const deaf = await detached(t, ['sleep', '1000']);
    const stubborn = await detached(t, ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
    for (const name of [polite, stubborn])
      for await (const { bytes } of logs(name, { follow: true })) if (bytes.toString() === 'ready\n') break;
    const begin = performance.now();
    await stop(deaf);
    t.true(performance.now() - begin < 8000);
    await Promise.all([stop(polite), stop(stubborn, { timeout: 50 })]);
    const codes = [polite, deaf, stubborn].map((name) => list({ all: true, filter: [`name=^${name}$`] })[0]?.exitCode);
    t.deepEqual(codes, [5, 143, 137]);
    // Once more: it has what it wants.
    await stop(polite);
  },
);

e2e('--rm: attach, and whoever waits at the end, hear the exit code as well; so with a restart policy', async (t) => {
  const name = await detached(t, ['sh', '-c', 'read x; exit 3'], { rm: true, stdin: true });
  t.is((await crt(t, ['attach', name], { input: 'go\n' })).code, 3);
  const brief = await detached(t, ['sh', '-c', 'exit 4'], { restart: { on: 'on-failure', retries: 9 } });
  t.is(await wait(brief), 4);
  await stop(brief);
});

e2e('restart of what ran in the foreground does not end it', async (t) => {
  const name = box(t);
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo up; exec sleep 1000']);
  await until(child.stdout, 'up');
  t.regex((await crt(t, ['restart', name])).stderr, /crt run -d did not start it/);
  t.is(stateOf(name), 'running');
  const end = ended(child);
  await stop(name);
  t.is((await end).code, 143);
});

e2e('-d --explain shows the steps, the log among them', async (t) => {
  const name = ownBox(t);
  const { code, stdout, stderr } = await crt(t, ['run', '-d', name, '--rm', '--explain', '--', 'true']);
  t.is(code, 0, stderr);
  t.is(stdout, `${name}\n`);
  t.regex(stderr, /^ *\S* *log\b/m);
});

e2e('the time limit is kept by the monitor', async (t) => {
  const name = await detached(t, ['sleep', '1000'], { timeout: 300 });
  t.is(await wait(name), 124);
  t.is(read(roots, name)?.exit?.reason, 'timeout');
});

e2e('a kill by the memory limit is told from any other', async (t) => {
  const name = await detached(t, ['sh', '-c', 'exec tail /dev/zero'], { memory: 30 * MIB });
  t.is(await wait(name), 137);
  const { exit } = read(roots, name) ?? {};
  t.like(exit, { reason: 'oom', oomKills: 1 });
  const other = await detached(t, ['sleep', '1000'], { memory: 30 * MIB });
  await kill(other);
  t.is(await wait(other), 137);
  t.is(read(roots, other)?.exit?.reason, 'signal');
});

e2e('start: the layer and the ids of before, and the log goes on', async (t) => {
  const name = await detached(t, ['sh', '-c', 'cat /kept 2>/dev/null; echo more >>/kept; id -u; cat /proc/self/uid_map']);
  t.is(await wait(name), 0);
  const first = (await said(name)).stdout;
  for (const verb of ['start', 'restart']) {
    const { code, stderr } = await crt(t, [verb, name]);
    t.is(code, 0, stderr);
    t.is(await wait(name), 0);
  }
  const all = (await said(name)).stdout;
  t.is(all, `${first}more\n${first}more\nmore\n${first}`);
  t.is(read(roots, name)?.record?.start, 3);
});

e2e('start of what runs, of what ran in the foreground, and of nothing', async (t) => {
  const name = await detached(t, ['sleep', '1000']);
  t.regex((await crt(t, ['start', name])).stderr, /is running/);
  const kept = ownBox(t);
  await crt(t, ['run', kept, '--keep', '--', 'true']);
  t.regex((await crt(t, ['start', kept])).stderr, /crt run -d did not start it/);
  t.regex((await crt(t, ['logs', kept])).stderr, /has no log/);
  t.regex((await crt(t, ['start', 'nobody'])).stderr, /no container named "nobody"/);
});

e2e('who has connected before the end hears of it, and may ask a moment later', async (t) => {
  const name = await detached(t, ['sleep', '1000']);
  const { init } = pidsOf(name);
  const socket = createConnection(`${roots.state}/${name}/control`);
  await once(socket, 'connect');
  const said: Buffer[] = [];
  const close = once(
    socket.on('data', (chunk: Buffer) => said.push(chunk)),
    'close',
  );
  process.kill(init, 'SIGKILL');
  // The monitor tells the end to all who have asked right after it has written it down.
  await holds(() => existsSync(`${roots.state}/${name}/ended`));
  socket.write(requestBytes(REQUEST.wait, 0));
  await close;
  t.regex(Buffer.concat(said).toString('latin1'), /status=9 /);
});

e2e('more who want to ask at once than the socket queues: each waits for its turn', async (t) => {
  const name = await detached(t, ['sleep', '1000']);
  const { monitor } = pidsOf(name);
  const { directory, inode } = read(roots, name) ?? {};
  process.kill(monitor, 'SIGSTOP');
  const crowd = Array.from({ length: 200 }, () => createConnection(`${directory}/control`));
  const refused: unknown[] = [];
  for (const socket of crowd) socket.on('error', (error: NodeJS.ErrnoException) => refused.push(error.code));
  await holds(() => refused.length > 0);
  t.is(refused[0], 'EAGAIN');
  const opened = Control.open(directory ?? '', inode ?? 0);
  for (const socket of crowd) socket.destroy();
  process.kill(monitor, 'SIGCONT');
  const control = await opened;
  await control?.request('signal', 9);
  control?.close();
  t.is(await wait(name), 137);
});

e2e('a restart that fails: ps and inspect say why', async (t) => {
  const root = await smallRootfs(t);
  const name = await detached(t, ['sh', '-c', 'until ls /go 2>/dev/null; do ls / >/dev/null; done; exit 3'], {
    rootfs: root,
    restart: { on: 'always' },
  });
  renameSync(root, `${root}.away`);
  t.teardown(() => renameSync(`${root}.away`, root));
  // The end that it brings about may be faster than its own: then it is killed with the container.
  t.true([0, 137].includes((await exec(name, { command: ['touch', '/go'] })).exitCode ?? -1));
  await holds(() => (inspect(name).restart?.count ?? 0) >= 3);
  const { count = 0, wait: pause } = read(roots, name)?.restart ?? {};
  t.is(pause, 100 * 2 ** (count - 1), 'each try waits twice as long as the one before');
  t.regex(inspect(name).restart?.error ?? '', /is not there/);
  t.regex((await crt(t, ['ps', '-a', '--json', '--filter', `name=^${name}$`])).stdout, /its start failed: /);
});

e2e('restart policies: always until it is stopped, on-failure so many times, never after an end that is none', async (t) => {
  const again = await detached(t, ['sh', '-c', 'echo up; exit 0'], { restart: { on: 'always' } });
  const tries = await detached(t, ['sh', '-c', 'echo up; exit 3'], { restart: { on: 'on-failure', retries: 2 } });
  const fine = await detached(t, ['sh', '-c', 'echo up'], { restart: { on: 'on-failure' } });
  let count = 0;
  const thrice = async (): Promise<void> => {
    for await (const { bytes } of followed(again)) if (bytes.toString() === 'up\n' && ++count === 3) break;
  };
  await inTime('the third start', thrice());
  await stop(again);
  const { length } = (await said(again)).stdout;
  await holds(() => stateOf(tries) === 'stopped' && read(roots, tries)?.record?.start === 3);
  await holds(() => stateOf(fine) === 'stopped');
  t.deepEqual(await said(tries), { stdout: 'up\nup\nup\n', stderr: '' });
  t.deepEqual(await said(fine), { stdout: 'up\n', stderr: '' });
  t.is(stateOf(again), 'stopped');
  t.is((await said(again)).stdout.length, length);
});

/** A log that goes on over the ends of a container. */
async function* followed(name: string): AsyncGenerator<{ bytes: Buffer }> {
  for (let given = 0; ; ) {
    let seen = 0;
    for await (const line of logs(name, { follow: true })) if (++seen > given) yield line;
    given = seen;
  }
}

e2e('rm -f of one that runs, and of one that is about to be started again', async (t) => {
  const running = await detached(t, ['sleep', '1000'], { restart: { on: 'always' } });
  t.true(remove(running, { force: true }).killed);
  t.deepEqual(traces(running), []);
  const waiting = await detached(t, ['false'], { restart: { on: 'always' } });
  await holds(() => stateOf(waiting) === 'restarting' && (read(roots, waiting)?.restart?.wait ?? 0) >= 800);
  t.throws(() => remove(waiting), { message: /about to be started again/ });
  t.is(remove(waiting, { force: true }).status, 'restarting');
  t.deepEqual(traces(waiting), []);
});

e2e('options that contradict each other, and flags without -d', async (t) => {
  for (const [words, says] of [
    [['-d', '--rm', '--restart', 'always'], /--restart|restart:/],
    [['--restart', 'always'], /goes with -d/],
    [['--log-opt', 'max-size=1m'], /goes with -d/],
    [['-d', '--log-opt', 'max-size=1'], /4096/],
    [['-d', '--log-opt', 'max-file=3'], /only one file/],
    [['-d', '--log-opt', 'color=red'], /not known/],
    [['-d', '--restart', 'sometimes'], /is no policy/],
  ] as const) {
    const name = box(t);
    const { code, stderr } = await crt(t, ['run', name, ...words, '--', 'true']);
    t.is(code, 125);
    t.regex(stderr, says, words.join(' '));
    t.deepEqual(traces(name), []);
  }
});

e2e('without a layer on disk there is still a log, and the folder for it goes with rm', async (t) => {
  const name = await detached(t, ['sh', '-c', 'echo x >/file; echo said'], { storageSize: 64 * MIB });
  t.is(await wait(name), 0);
  t.deepEqual(await said(name), { stdout: 'said\n', stderr: '' });
  const layer = read(roots, name)?.record?.layer ?? '';
  t.deepEqual(readdirSync(layer).sort(), ['log', 'options.json', 'owner.json']);
  remove(name);
  t.false(existsSync(layer));
});

e2e('while one runs, file systems of the host can be unmounted: it holds none of them', async (t) => {
  const name = await detached(t, ['sleep', '1000']);
  const { monitor } = read(roots, name) ?? {};
  t.true(host.uid === 0);
  const held = readdirSync(`/proc/${monitor?.pid}/fd`).length;
  // Its null device, the sockets and the folders of state and log, the pidfd: nothing that was opened for the container's root.
  t.true(held < 20, String(held));
  t.is(readProc(monitor?.pid ?? 0, 'cwd'), '');
});
