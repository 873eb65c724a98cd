import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { list, run } from '../../src/index.js';
import { box, CRT, ROOTFS, traces } from '../e2e/support.js';
import { exited } from '../in-time.js';
import { LONG, SHORT_TIME } from './experiment.js';
import { countCalls, findStrace, tracedPackage } from './scratch.js';

const strace = findStrace();
const isRoot = process.getuid?.() === 0;
const faults = isRoot ? test.serial : test.serial.skip;
const traced = isRoot && strace ? test.serial : test.serial.skip;

const MOMENTS = LONG ? 1000 : 110;
/** Calls before the plan is there, or none at all for a killed process. */
const UNFIT = new Set(['execve', 'exit', 'exit_group', 'rt_sigreturn', 'arch_prctl', 'set_tid_address', 'brk', 'restart_syscall']);
const SECONDS_TO_CLEAN = 2;

/** Looks until nothing of the name is left, at most two seconds; answers what is left then. */
async function leftAfterTwoSeconds(name: string): Promise<string[]> {
  const deadline = performance.now() + SECONDS_TO_CLEAN * 1000;
  for (;;) {
    const left = traces(name);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(10);
  }
}

/** What is left after two seconds and one more command. */
async function leftAtLast(name: string): Promise<string[]> {
  const left = await leftAfterTwoSeconds(name);
  if (left.length === 0) return [];
  list({ all: true });
  return traces(name);
}

async function works(name: string): Promise<boolean> {
  const { stdout } = await run({ name, rootfs: ROOTFS, command: ['echo', 'again'], memory: 64 << 20 });
  return stdout === 'again\n';
}

faults('crt killed by SIGKILL at any moment of a run leaves nothing, and its name is free', async (t) => {
  t.timeout(LONG ? 900_000 : SHORT_TIME);
  const name = box(t);
  const [node = '', ...words] = CRT;
  const args = [...words, 'run', name, '--rootfs', ROOTFS, '--memory', '64', '--', 'sh', '-c', 'echo up; sleep 0.05'];
  const start = performance.now();
  const whole = spawn(node, args, { stdio: 'ignore' });
  t.deepEqual(await exited(whole), [0, null]);
  const length = performance.now() - start;

  const problems: string[] = [];
  for (let moment = 0; moment < MOMENTS; moment++) {
    const child = spawn(node, args, { stdio: 'ignore' });
    await delay((length * moment) / MOMENTS);
    child.kill('SIGKILL');
    await exited(child);
    const left = await leftAtLast(name);
    if (left.length > 0) problems.push(`moment ${moment}: ${left.join(', ')}`);
    if (moment % 10 === 0 && !(await works(name))) problems.push(`moment ${moment}: the name cannot be used`);
  }
  t.log(`${MOMENTS} moments`);
  t.deepEqual(problems, []);
});

traced('monitor, stage or init killed at any system call of a start leaves nothing', async (t) => {
  t.timeout(LONG ? 900_000 : SHORT_TIME);
  const name = box(t);
  const pack = await tracedPackage(t, strace ?? '');
  const options = { name, rootfs: ROOTFS, command: ['echo', 'up'], memory: 64 << 20, timeout: 20_000 };
  pack.trace(['-e', 'trace=all']);
  t.is((await pack.run(options)).stdout, 'up\n');
  const calls = [...countCalls(pack.log())].filter(([call]) => !UNFIT.has(call));
  const all = calls.flatMap(([call, most]) => Array.from({ length: most }, (_, index) => [call, index + 1] as const));
  // Spread over all of them in the short form.
  const chosen = LONG ? all : all.filter((_, index) => index % Math.ceil(all.length / MOMENTS) === 0);
  t.true(chosen.length >= 60);
  t.log(`${chosen.length} of ${all.length} calls`);

  const problems: string[] = [];
  for (const [call, nth] of chosen) {
    pack.trace(['--seccomp-bpf', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`]);
    const outcome = await pack.run(options).then(
      ({ stdout, exitCode }) => (stdout === 'up\n' || exitCode === 137 ? undefined : `exit code ${exitCode}`),
      (error: Error) => (error.name === 'BugError' ? error.message : undefined),
    );
    const left = await leftAtLast(name);
    if (outcome !== undefined) problems.push(`${call} #${nth}: ${outcome}`);
    if (left.length > 0) problems.push(`${call} #${nth}: ${left.join(', ')}`);
  }
  t.deepEqual(problems, []);
  t.true(await works(name));
});
