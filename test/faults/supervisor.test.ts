import test, { type ExecutionContext } from 'ava';
import { box, type Declare, folder } from '../e2e/support.js';
import { callsAfterClaim, check, command, faults, LONG, type Outcome, runWords, SHORT_TIME, SLOWEST, spread, works } from './experiment.js';
import { findStrace } from './scratch.js';

const strace = findStrace() ?? '';
const traced: Declare = strace ? faults : test.skip;

/** Calls by which crt itself changes the host, or starts what does. */
const CHANGES = ['mkdir', 'rename', 'symlink', 'openat', 'write', 'clone', 'unlink', 'rmdir', 'chown', 'chmod'];
/** Calls by which it learns what it acts on. */
const LOOKS = ['statx', 'readlink', 'getdents64', 'read', 'close', 'epoll_pwait', 'sendmsg', 'shutdown', 'lseek', 'fstat'];

/** The words of strace for crt's main thread: `-f` would count each process and thread apart, and see too much. */
function tracing(log: string, calls: readonly string[], ...more: readonly string[]): string[] {
  return [strace, '-qq', '-y', '-o', log, '-e', `trace=${calls.join(',')}`, '-e', 'signal=none', ...more];
}

/** Every system call of these that crt makes from the claim of its name to the end of a run. */
async function survey(t: ExecutionContext, log: string, calls: readonly string[]): Promise<(readonly [call: string, nth: number])[]> {
  const name = box(t);
  const { stdout, stderr } = await command(runWords(name), { before: tracing(log, calls) });
  t.is(stdout, 'up\n', stderr);
  return callsAfterClaim(log, name);
}

/** Says what is wrong with the outcome of a run in which a call failed: undefined when nothing is. */
function judge({ code, signal, stdout, stderr, ms }: Outcome): string | undefined {
  if (ms > SLOWEST) return `took ${ms} ms`;
  if (signal !== null) return `died of ${signal}`;
  if (code === 0) return stdout === 'up\n' ? undefined : 'says that all is well, and it is not';
  if (code !== 125) return `exit code ${code}: ${stderr}`;
  return /^crt: \S/.test(stderr) && !/bug|\n {4}at /i.test(stderr) ? undefined : `says ${JSON.stringify(stderr)}`;
}

traced('crt killed by SIGKILL at a system call of its own leaves nothing that ps and rm do not find', async (t) => {
  t.timeout(LONG ? 3_600_000 : SHORT_TIME);
  const log = `${await folder(t)}/log`;
  const calls = await survey(t, log, [...CHANGES, ...LOOKS]);
  t.true(calls.length > 100, String(calls.length));
  const name = box(t);
  const problems: string[] = [];
  const cures = { 'by itself': 0, ps: 0, rm: 0 };
  const chosen = spread(calls, 25);
  for (const [index, [call, nth]] of chosen.entries()) {
    await command(runWords(name), { before: tracing(log, [call], '-e', `inject=${call}:signal=SIGKILL:when=${nth}`) });
    const { problem, cure } = await check(name, true);
    cures[cure] += 1;
    if (problem !== undefined) problems.push(`${call} #${nth}: ${problem}`);
    const next = LONG || index % 5 === 0 ? await works(name) : undefined;
    if (next !== undefined) problems.push(`${call} #${nth}: ${next}`);
  }
  t.log(`${chosen.length} of ${calls.length} calls; gone by itself ${cures['by itself']}, by ps ${cures.ps}, by rm -f ${cures.rm}`);
  t.deepEqual(problems, []);
  t.is(await works(name), undefined);
});

/** errno(3) of a full disk, a read-only one, one that fails, and a right that is missing. */
const ERRORS = ['ENOSPC', 'EROFS', 'EIO', 'EACCES'];

traced('a system call of crt that fails ends the run in words, and leaves nothing that ps and rm do not find', async (t) => {
  t.timeout(LONG ? 3_600_000 : SHORT_TIME);
  const log = `${await folder(t)}/log`;
  const calls = await survey(t, log, CHANGES);
  const rare = calls.filter(([call]) => ['mkdir', 'rename', 'symlink', 'chown', 'chmod', 'clone'].includes(call));
  const common = spread(
    calls.filter((call) => !rare.includes(call)),
    15,
  );
  const name = box(t);
  const problems: string[] = [];
  let refused = 0;
  let cured = 0;
  for (const [index, [call, nth]] of [...rare, ...common].entries()) {
    const error = ERRORS[index % ERRORS.length];
    const outcome = await command(runWords(name), { before: tracing(log, [call], '-e', `inject=${call}:error=${error}:when=${nth}`) });
    if (outcome.code !== 0) refused += 1;
    // A call of the undo itself: it says so, and what is left is found.
    const { problem, cure } = await check(name, outcome.code !== 0);
    if (cure !== 'by itself') cured += 1;
    for (const found of [judge(outcome), problem]) if (found !== undefined) problems.push(`${call} #${nth} ${error}: ${found}`);
  }
  t.log(`${rare.length + common.length} calls; ${refused} refused in words, ${cured} with something left for ps or rm -f`);
  t.deepEqual(problems, []);
  t.is(await works(name), undefined);
});
