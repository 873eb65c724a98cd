import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type Result, type RunningContainer, type RunOptions, run } from '../../src/index.js';
import { exited, until } from '../in-time.js';
import { box, cgroupFile, contain, crt, e2e, host, MIB, onV1, ROOTFS, script, startCrt } from './support.js';

/** What `act` finds while the container runs; the container waits for it. */
async function whileRunning<T>(
  t: ExecutionContext,
  options: Partial<RunOptions>,
  act: (container: RunningContainer) => T,
): Promise<{ found: T; result: Result }> {
  let found: T | undefined;
  const result = await run({
    name: box(t),
    rootfs: ROOTFS,
    command: ['sh', '-c', 'trap "exit 0" TERM; echo trapped; while :; do sleep 1000 & wait; done'],
    ...options,
    onStart: (container) => {
      found = act(container);
      container.kill('SIGKILL');
    },
  });
  return { found: found as T, result };
}

e2e('--memory 50 is 52428800 in the host’s cgroup while it runs, with no swap', async (t) => {
  const { found } = await whileRunning(t, { memory: 50 * MIB }, ({ name, pid }) => ({
    limit: cgroupFile(name, ['memory', 'memory.limit_in_bytes'], 'memory.max'),
    procs: cgroupFile(name, ['memory', 'cgroup.procs'], 'cgroup.procs').split('\n').includes(String(pid)),
    swap: swapOf(name),
  }));
  t.is(found.limit, '52428800');
  t.true(found.procs);
  if (found.swap !== undefined) t.is(found.swap, host.cgroup.mode === 'v2' ? '0' : '52428800');
});

function swapOf(name: string): string | undefined {
  try {
    return cgroupFile(name, ['memory', 'memory.memsw.limit_in_bytes'], 'memory.swap.max');
  } catch {
    // A kernel without swap accounting.
    return undefined;
  }
}

onV1('the limit is seen inside at the host’s path and at the usual one, read-only, and nobody else’s cgroup', async (t) => {
  const { stdout, name } = await script(
    t,
    `cd /sys/fs/cgroup/memory; cat memory.limit_in_bytes $HOSTNAME/memory.limit_in_bytes; find . -mindepth 1 -type d; cat /proc/self/cgroup | grep memory
     for f in memory.limit_in_bytes $HOSTNAME/memory.limit_in_bytes new; do (echo 99999999 > $f) 2>/dev/null && echo "wrote $f"; done; mkdir sub $HOSTNAME/sub 2>/dev/null && echo made; cat memory.limit_in_bytes`,
    { memory: 50 * MIB },
  );
  const [first, second, directory, own, ...rest] = stdout.trim().split('\n');
  t.deepEqual([first, second, directory, rest], ['52428800', '52428800', `./${name}`, ['52428800']]);
  t.regex(own ?? '', /^\d+:memory:\/$/);
});

/** Allocates without end. */
const HOG = ['/usr/bin/python3', '-c', 'b = []\nwhile True: b.append(bytearray(1 << 20))'];

e2e('a hog as PID 1 is killed by the limit: 137, said in the result', async (t) => {
  const result = await contain(t, { command: HOG, memory: 30 * MIB });
  t.like(result, { exitCode: 137, signal: 'SIGKILL', reason: 'oom', oomKilled: true, failed: true });
  t.is(result.oomVictim, 'python3');
  t.true(result.oomKills >= 1);
  t.is(result.usage.memoryLimit, 30 * MIB);
  t.true(
    (result.usage.peakMemory ?? 0) > 25 * MIB && (result.usage.peakMemory ?? 0) <= 30 * MIB + 4 * MIB,
    String(result.usage.peakMemory),
  );
});

e2e('the command line says it in one line: limit, peak, which process', async (t) => {
  const name = box(t);
  const { code, stderr } = await crt(t, ['run', name, '--memory', '30', '--rootfs', ROOTFS, '--', ...HOG]);
  t.is(code, 137);
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => line.includes(name));
  t.is(lines.length, 1, stderr);
  t.regex(lines[0] ?? '', /memory limit.*30 ?MiB.*peak.*python3/);
});

e2e('a child that is killed by the limit is told apart: the shell goes on', async (t) => {
  const { exitCode, stdout, oomKilled, oomKills, oomVictim, reason } = await script(
    t,
    `${HOG[0]} -c '${HOG[2]}'; echo "child: $?"; exit 7`,
    { memory: 30 * MIB },
  );
  t.is(stdout, 'child: 137\n');
  t.deepEqual(
    { exitCode, oomKilled, oomKills, oomVictim, reason },
    { exitCode: 7, oomKilled: false, oomKills: 1, oomVictim: 'python3', reason: 'exit' },
  );
});

e2e('a kill by somebody else is not called a kill by the limit', async (t) => {
  const { result } = await whileRunning(t, { memory: 50 * MIB }, ({ pid }) => process.kill(pid, 'SIGKILL'));
  t.like(result, { exitCode: 137, signal: 'SIGKILL', reason: 'signal', oomKilled: false, oomKills: 0 });
});

e2e('a kill by somebody else after a child hit the limit is not called one either: only the child is counted', async (t) => {
  const name = box(t);
  const child = startCrt(t, [
    'run',
    name,
    '--memory',
    '30',
    '--',
    'sh',
    '-c',
    `${HOG[0]} -c '${HOG[2]}'; echo "child: $?"; exec sleep 1000`,
  ]);
  await until(child.stdout, 'child: 137');
  const said = until(child.stderr, 'memory limit');
  child.kill('SIGTERM');
  t.regex(await said, /killed a process inside/);
  t.deepEqual(await exited(child), [143, null]);
});

e2e('a fork bomb meets the pids limit, and the container still ends', async (t) => {
  const bomb = 'i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo all made';
  const { stdout, stderr } = await script(t, `(${bomb}) 2>&1; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null`, {
    pidsLimit: 20,
  });
  t.regex(stdout + stderr, /fork|Resource temporarily unavailable/);
  t.true(stdout.endsWith('\n20\n'), stdout);
  t.notRegex(stdout, /all made/);
  t.is((await script(t, bomb, { pidsLimit: -1 })).stdout, 'all made\n');
});

e2e('the pids limit is 2048 by default', async (t) => {
  const { found } = await whileRunning(t, {}, ({ name }) => cgroupFile(name, ['pids', 'pids.max'], 'pids.max'));
  t.is(found, '2048');
});

e2e('processor time, weight and set are what was asked for', async (t) => {
  const { found } = await whileRunning(t, { cpus: 0.5, cpuShares: 512, cpusetCpus: '0' }, ({ name, pid }) => ({
    quota: cgroupFile(name, ['cpu', 'cpu.cfs_quota_us'], 'cpu.max'),
    weight: cgroupFile(name, ['cpu', 'cpu.shares'], 'cpu.weight'),
    set: cgroupFile(name, ['cpuset', 'cpuset.cpus'], 'cpuset.cpus'),
    allowed: /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  }));
  const expected = host.cgroup.mode === 'v2' ? { quota: '50000 100000', weight: '20' } : { quota: '50000', weight: '512' };
  t.deepEqual(found, { ...expected, set: '0', allowed: '0' });
});

e2e('--timeout ends it: 124', async (t) => {
  const result = await contain(t, { command: ['sleep', '1000'], timeout: 4000 });
  t.like(result, { exitCode: 124, timedOut: true, reason: 'timeout', oomKilled: false, failed: true });
  t.true(result.durationMs >= 4000 && result.durationMs < 20_000, String(result.durationMs));
});

e2e('--timeout on the command line: 124, with a line that says so', async (t) => {
  const { code, stderr } = await crt(t, ['run', box(t), '--timeout', '5s', '--', 'sleep', '1000']);
  t.is(code, 124);
  t.regex(stderr, /5 s/);
});

e2e('the process is in its cgroup from its first instruction on', async (t) => {
  const { stdout } = await contain(t, { command: ['cat', '/proc/self/cgroup'], memory: 50 * MIB });
  const seen = stdout
    .trim()
    .split('\n')
    .filter((line) => /:(memory|pids):|^0::/.test(line));
  // In a cgroup namespace of its own: the root that it sees is its own cgroup.
  t.true(seen.length > 0);
  for (const line of seen.filter((entry) => host.cgroup.mode === 'v2' || !entry.startsWith('0::'))) t.regex(line, /:\/$/);
});

e2e('a limit that cannot work is refused before anything is made', async (t) => {
  const name = box(t);
  for (const wrong of [{ memory: 1024 }, { cpusetCpus: '4000' }, { cpus: 10_000 }, { memory: 50 * MIB, memorySwap: 10 * MIB }] as const) {
    await t.throwsAsync(run({ name, rootfs: ROOTFS, command: ['true'], ...wrong }), { name: 'UserError' }, JSON.stringify(wrong));
  }
});

e2e('a limit of setrlimit(2) that the kernel refuses is named', async (t) => {
  // Above the largest fs.nr_open.
  const error = await t.throwsAsync(contain(t, { command: ['true'], ulimits: { core: [0, 0], nofile: [2 ** 40, 2 ** 40] } }));
  t.regex(error?.message ?? '', /\(rlimit RLIMIT_NOFILE\) failed/);
});
