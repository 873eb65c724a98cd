import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { list, pause, UserError, unpause, update } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { until } from '../in-time.js';
import { box, cgroupFile, cgroupsOf, crt, e2e, ended, host, MIB, startCrt, untilRunning } from './support.js';

const isV2 = host.cgroup.mode === 'v2';

async function running(
  t: ExecutionContext,
  flags: readonly string[] = [],
  command = ['sh', '-c', 'sleep 1000 & echo ready; wait'],
): Promise<{ name: string; end: () => Promise<unknown> }> {
  const name = box(t);
  const child: ChildProcess = startCrt(t, ['run', name, ...flags, '--', ...command]);
  await until(child.stdout, 'ready');
  await untilRunning(name);
  return {
    name,
    end: () => {
      child.kill('SIGTERM');
      return ended(child);
    },
  };
}

const memory = (name: string): string => cgroupFile(name, ['memory', 'memory.limit_in_bytes'], 'memory.max');
/** Memory and swap together, as version 1 says it; undefined where swap is not counted. */
function swap(name: string): string | undefined {
  try {
    const text = cgroupFile(name, ['memory', 'memory.memsw.limit_in_bytes'], 'memory.swap.max');
    return isV2 && text !== 'max' ? String(Number(text) + Number(memory(name))) : text;
  } catch {
    return undefined;
  }
}

function record(name: string): { resources: Record<string, unknown> } {
  return JSON.parse(readFileSync(`${stateRoots().state}/${name}/update.json`, 'utf8')) as { resources: Record<string, unknown> };
}

e2e('memory goes up and down, swap stays where it was, and ps says so', async (t) => {
  const { name, end } = await running(t, ['--memory', '50']);
  const up = await crt(t, ['update', '--memory', '100', name]);
  t.deepEqual([up.code, up.stdout, up.stderr], [0, `${name}\n`, '']);
  t.is(memory(name), String(100 * MIB));
  if (swap(name) !== undefined) t.is(swap(name), String(100 * MIB), 'none before, none now');
  t.is(list({ filter: [`name=${name}`] })[0]?.memoryLimit, 100 * MIB);
  update(name, { memory: 20 * MIB });
  t.is(memory(name), String(20 * MIB));
  if (swap(name) !== undefined) {
    update(name, { memorySwap: 60 * MIB });
    t.is(swap(name), String(60 * MIB));
    update(name, { memory: 70 * MIB });
    t.is(swap(name), String(110 * MIB), '40 MiB of swap, as before');
    update(name, { memory: 30 * MIB, memorySwap: 30 * MIB });
    t.deepEqual([memory(name), swap(name)], [String(30 * MIB), String(30 * MIB)]);
    update(name, { memorySwap: -1 });
    t.regex(swap(name) ?? '', /^(max|9223372036854\d+)$/);
    update(name, { memory: 40 * MIB });
    t.regex(swap(name) ?? '', /^(max|9223372036854\d+)$/);
  }
  await end();
});

e2e('limits of controllers that it was started without hold for every process, and are undone', async (t) => {
  const { name, end } = await running(t);
  const { code, stderr } = await crt(t, ['update', '--cpus', '0.3', '--cpu-shares=512', '--cpuset-cpus', '0', '--pids-limit=-1', name]);
  t.is(code, 0, stderr);
  t.is(cgroupFile(name, ['cpu', 'cpu.cfs_quota_us'], 'cpu.max').split(' ')[0], '30000');
  t.is(cgroupFile(name, ['cpuset', 'cpuset.cpus'], 'cpuset.cpus'), '0');
  t.is(cgroupFile(name, ['pids', 'pids.max'], 'pids.max'), 'max');
  const members = cgroupFile(name, ['memory', 'cgroup.procs'], 'cgroup.procs');
  t.true(members.split('\n').length >= 2, members);
  for (const controller of ['cpu', 'cpuset']) t.is(cgroupFile(name, [controller, 'cgroup.procs'], 'cgroup.procs'), members, controller);
  for (const pid of members.split('\n')) t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /Cpus_allowed_list:\t0\n/);
  t.deepEqual(record(name).resources, {
    cpu: { shares: 512, quota: 30_000, period: 100_000, cpus: '0' },
    pids: { limit: -1 },
  });
  update(name, { cpus: 1, pidsLimit: 99 });
  t.deepEqual(record(name).resources, { cpu: { shares: 512, quota: 100_000, period: 100_000, cpus: '0' }, pids: { limit: 99 } });
  await end();
  t.deepEqual(cgroupsOf(name), []);
});

e2e('a paused container is changed and stays paused', async (t) => {
  const { name, end } = await running(t);
  pause(name);
  update(name, { cpus: 0.5 });
  t.regex(cgroupFile(name, ['freezer', 'freezer.state'], 'cgroup.freeze'), /^(FROZEN|1)$/);
  t.not(cgroupFile(name, ['cpu', 'cgroup.procs'], 'cgroup.procs'), '');
  unpause(name);
  await end();
});

e2e('a detached container keeps the new limits at its next start', async (t) => {
  const name = box(t);
  t.is((await crt(t, ['run', '-d', name, '--memory', '50', '--', 'sleep', '1000'])).code, 0);
  update(name, { memory: 90 * MIB, cpus: 0.5 });
  t.is((await crt(t, ['restart', name])).code, 0);
  t.is(memory(name), String(90 * MIB));
  t.is(cgroupFile(name, ['cpu', 'cpu.cfs_quota_us'], 'cpu.max').split(' ')[0], '50000');
  t.is(list({ filter: [`name=${name}`] })[0]?.memoryLimit, 90 * MIB);
  await crt(t, ['rm', '-f', name]);
});

/** Holds 40 MiB that it has written to. */
const HOLDER = ['/usr/bin/python3', '-c', 'import time\nb = bytearray(b"x" * (40 << 20))\nprint("ready", flush=True)\ntime.sleep(1000)'];

e2e('a limit below the use is refused with the use; nothing is changed, and nobody is killed', async (t) => {
  const { name, end } = await running(t, ['--memory', '100'], HOLDER);
  const before = [memory(name), swap(name)];
  const { code, stdout, stderr } = await crt(t, ['update', '--memory', '20', '--pids-limit', '10', name]);
  t.deepEqual([code, stdout], [125, '']);
  t.regex(stderr, /uses \d+(\.\d)? MiB of memory, which cannot be brought below the new limit of 20 MiB; nothing was changed/);
  t.deepEqual([memory(name), swap(name)], before);
  t.is(cgroupFile(name, ['pids', 'pids.max'], 'pids.max'), '2048');
  t.false(existsSync(`${stateRoots().state}/${name}/update.json`));
  t.is(list({ filter: [`name=${name}`] })[0]?.status, 'running');
  await end();
});

e2e('page cache is given up for a lower limit', async (t) => {
  const { name, end } = await running(
    t,
    ['--memory', '100'],
    ['sh', '-c', 'head -c 60000000 /dev/zero > /root/file; sync /root/file; cat /root/file > /dev/null; echo ready; sleep 1000'],
  );
  update(name, { memory: 20 * MIB });
  t.is(memory(name), String(20 * MIB));
  await end();
});

e2e('what the kernel refuses midway puts back what was set before', async (t) => {
  const { name, end } = await running(t, ['--memory', '50']);
  const error = t.throws(() => update(name, { memory: 80 * MIB, pidsLimit: 77, cpuShares: 300, cpusetCpus: '8000' }), {
    instanceOf: UserError,
  });
  t.regex(error?.message ?? '', /cpuset.cpus = 8000|processor/);
  t.is(memory(name), String(50 * MIB));
  if (swap(name) !== undefined) t.is(swap(name), String(50 * MIB));
  t.is(cgroupFile(name, ['pids', 'pids.max'], 'pids.max'), '2048');
  t.deepEqual(
    cgroupsOf(name).filter((path) => path.includes('/cpuset/')),
    [],
  );
  t.false(existsSync(`${stateRoots().state}/${name}/update.json`));
  await end();
});

e2e('bad input is said in flags, before anything is touched', async (t) => {
  const { name, end } = await running(t);
  for (const [words, message] of [
    [['--memory', '1'], /--memory 1 is 1 MiB: too little/],
    [['--cpus', '9999'], /^crt: --cpus: 9999 is more than this machine has/],
    [['--cpuset-cpus', '1-0'], /--cpuset-cpus.*runs backwards/],
    [['--pids-limit', '0'], /--pids-limit "0"/],
    [['--memory-swap', '100'], /--memory-swap 100: it has no limit of memory/],
    [['--memory', '60', '--memory-swap', '50'], /--memory-swap.*less than the memory limit/],
    [[], /no limit was given to change/],
  ] as const) {
    const { code, stderr } = await crt(t, ['update', ...words, name]);
    t.is(code, 125);
    t.regex(stderr, message);
  }
  t.false(existsSync(`${stateRoots().state}/${name}/update.json`));
  await end();
});
