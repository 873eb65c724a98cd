import test from 'ava';
import { MEANINGS } from '../../src/explain/ops.js';
import type { Plan, RunOptions } from '../../src/index.js';
import type { OpName } from '../../src/plan/ops.js';
import { isOp } from '../../src/plan/step.js';
import { box, ROOTFS, traces } from '../e2e/support.js';
import { LONG, SHORT_TIME } from './experiment.js';
import { countCalls, findStrace, type TracedPackage, tracedPackage } from './scratch.js';

const strace = findStrace();
const faults = process.getuid?.() === 0 && strace ? test.serial : test.serial.skip;

/** The command shows how it is confined: a start that survives an injected error must show exactly this, whatever its user ids. */
const SHOW =
  'grep -E "^(Cap|NoNewPrivs|Seccomp:|Sig[BIC]|Uid|Gid|Groups)" /proc/self/status; umask; pwd; hostname; ls /proc/self/fd | wc -l; cut -d" " -f2,4 /proc/self/mounts | sed -E "s,fd/[0-9]+,fd,g; s,[ug]id=[0-9]{7}[0-9]*,ids,g" | sort';

/** Calls before the plan is there, and calls that end or resume a process: nothing of a step. */
const NO_STEP = new Set(['execve', 'exit', 'exit_group', 'rt_sigreturn', 'arch_prctl', 'set_tid_address', 'brk', 'restart_syscall']);
/** The helper's talk with the supervisor and between its processes: an error there has no step to be blamed on. */
const TALK = new Set([
  'sendmsg',
  'recvmsg',
  'read',
  'poll',
  'ppoll',
  'recvfrom',
  'socketpair',
  'wait4',
  'waitid',
  'getpid',
  'signalfd4',
  'mmap',
  'mprotect',
  'munmap',
]);

function base(name: string): RunOptions {
  return {
    name,
    rootfs: ROOTFS,
    command: ['sh', '-c', SHOW],
    memory: 64 << 20,
    timeout: 20_000,
    hostname: 'inside',
    ulimits: { core: [0, 0] },
    readOnly: true,
  };
}

faults('an error injected into each system call of a start names the right step, exits 125 and leaves nothing', async (t) => {
  t.timeout(LONG ? 600_000 : SHORT_TIME);
  const traced = await tracedPackage(t, strace ?? '');
  let plan: Plan | undefined;
  traced.trace(['-e', 'trace=all']);
  const name = box(t);
  const expected = await traced.run({ ...base(name), onPlan: (given) => (plan = given) });
  const calls = countCalls(traced.log());
  t.true(calls.size > 30, 'the baseline shows the system calls of a start');

  const named = new Set<number>();
  const problems: string[] = [];
  let tried = 0;
  for (const [call, most] of calls) {
    if (NO_STEP.has(call)) continue;
    for (let nth = 1; nth <= most; nth++) {
      const problem = await injectOnce(traced, { name, call, nth, expected: expected.stdout, named });
      if (problem !== undefined) problems.push(`${call} #${nth}: ${problem}`);
      tried += 1;
    }
  }
  t.log(`${tried} calls, ${named.size} steps named`);
  t.deepEqual(problems, []);
  const steps = plan?.steps ?? [];
  // strace counts for each process apart, so the first such call of an earlier process takes the blow for these: test/helper/wire.test.ts
  // makes them fail by their operands. umask(2) cannot fail, and exec lets go of the tracer.
  // `answer` keeps what came with its turn, and makes no call of its own.
  const silent = new Set<OpName>([
    'on-orphan',
    'report',
    'await',
    'answer',
    'umask',
    'exec',
    'clone',
    'parent-death',
    'cgroup-join',
    'root',
  ]);
  const unnamed = steps.flatMap((step, index) => (silent.has(step.op) || named.has(index) ? [] : [`${index + 1} ${step.op}`]));
  t.deepEqual(unnamed, [], 'every step that makes a system call was named at least once');
  t.true(steps.some((step) => isOp(step, 'exec')));
});

interface Injection {
  readonly name: string;
  readonly call: string;
  readonly nth: number;
  readonly expected: string;
  readonly named: Set<number>;
}

/** One experiment: undefined when all is as it should be. */
async function injectOnce(traced: TracedPackage, { name, call, nth, expected, named }: Injection): Promise<string | undefined> {
  traced.trace(['--seccomp-bpf', '-e', `trace=${call}`, '-e', `inject=${call}:error=ENOMEM:when=${nth}`]);
  let problem: string | undefined;
  try {
    const result = await traced.run(base(name));
    if (result.stdout !== expected) problem = `the command ran otherwise confined: ${difference(expected, result.stdout)}`;
  } catch (error) {
    problem = judge(error, call, named);
  }
  const left = traces(name);
  return left.length > 0 ? `left behind: ${left.join(', ')}` : problem;
}

function judge(error: unknown, call: string, named: Set<number>): string | undefined {
  if (!(error instanceof Error)) return 'threw something that is no error';
  if (!isStepError(error)) return TALK.has(call) || call === 'fcntl' ? undefined : `no step was named: ${error.message}`;
  if (error.exitCode !== 125 && error.op !== 'exec') return `exit code ${error.exitCode}`;
  named.add(error.index);
  if (TALK.has(call)) return undefined;
  const known = MEANINGS[error.op].syscalls.join(' ');
  // Plumbing that the table leaves out: opening, looking at and closing its own files.
  const plumbing = [
    'close',
    'fstat',
    'newfstatat',
    'open',
    'openat',
    'openat2',
    'fstatfs',
    'lstat',
    'stat',
    'write',
    'pread64',
    'mkdir',
    'mkdirat',
    'mknod',
    'fcntl',
    'getppid',
    'poll',
    'prctl',
    'ioctl',
    'read',
  ];
  return known.includes(call) || plumbing.includes(call) ? undefined : `blamed on ${error.message}, whose system calls are ${known}`;
}

function isStepError(error: Error): error is Error & { index: number; op: OpName; exitCode: number } {
  return error.name === 'StepError';
}

function difference(expected: string, actual: string): string {
  const known = new Set(expected.split('\n'));
  return (
    actual
      .split('\n')
      .filter((line) => !known.has(line))
      .join(' | ') || 'lines are missing'
  );
}
