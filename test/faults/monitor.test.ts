import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { kill } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { detached, letter, pidsOf, stateOf } from '../e2e/detached.js';
import { CRT, crt, type Declare, ended, folder } from '../e2e/support.js';
import { exited, holds, until } from '../in-time.js';
import { faults, LONG, SHORT_TIME, verdict } from './experiment.js';
import { findStrace } from './scratch.js';

const strace = findStrace() ?? '';
const traced: Declare = strace ? faults : test.skip;
const roots = stateRoots();

/** What the monitor of a detached container does from then on, and how it may fail: for good, or the n-th time. */
const FAILURES: readonly (readonly [calls: string, error: string, when: string])[] = [
  ['writev', 'ENOSPC', '1+'],
  ['writev', 'EIO', '1'],
  ['openat', 'ENOSPC', '1+'],
  ['openat', 'EMFILE', '1'],
  ['write', 'ENOSPC', '1+'],
  ['?renameat,?renameat2', 'EIO', '1+'],
  ['pipe2', 'EMFILE', '1+'],
  ['?fork,?vfork,?clone,?clone3', 'EAGAIN', '1+'],
  ['accept4', 'EMFILE', '1'],
  ['recvfrom', 'ECONNRESET', '1'],
  ['sendto', 'EPIPE', '1+'],
  ['?wait4,?waitid', 'EINTR', '1..3'],
  ['poll', 'EINTR', '1..3'],
  ['read', 'EIO', '2'],
  ['read', 'EINTR', '1..3'],
  ['?fcntl', 'ENOLCK', '1+'],
  ['?unlink,?unlinkat', 'EROFS', '1+'],
];

traced('a system call of a detached monitor that fails: it ends, what it saw is told, and rm -f removes all', async (t) => {
  t.timeout(SHORT_TIME);
  const problems: string[] = [];
  let seen = 0;
  for (const [calls, error, when] of LONG ? [...FAILURES, ...FAILURES, ...FAILURES] : FAILURES) {
    const name = await detached(t, ['sh', '-c', 'while read x; do echo $x; done; exit 3'], { stdin: true });
    const { monitor, init } = pidsOf(name);
    const tracer = spawn(strace, ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`, '-p', String(monitor)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await until(tracer.stderr, 'attached');
    tracer.stderr.resume();
    // It may not hear us; then the signal gets there by the pidfd.
    await crt(t, ['attach', name], { input: 'one\ntwo\n' });
    await crt(t, ['kill', name]);
    await holds(() => letter(monitor) === undefined && !/^[RSDT]$/.test(letter(init) ?? ''), `${calls} ${error}: the monitor ends`);
    await exited(tracer);
    const said = `${calls} ${error} ${when}`;
    const status = stateOf(name);
    const code = read(roots, name)?.exit?.exitCode;
    if (status !== 'stopped') problems.push(`${said}: it is ${status}`);
    if (code !== 3 && code !== 137 && code !== null) problems.push(`${said}: exit code ${code}`);
    if (code !== null) seen += 1;
    const problem = verdict(name);
    if (problem !== undefined) problems.push(`${said}: ${problem}`);
  }
  t.deepEqual(problems, []);
  t.true(seen > FAILURES.length / 2, String(seen));
  t.log(`${FAILURES.length} failures; ${seen} ends were seen all the same`);
});

traced('who waits asks the monitor first and looks then: an end between the two would be told to nobody', async (t) => {
  const name = await detached(t, ['sleep', '1000'], { rm: true });
  const log = `${await folder(t)}/log`;
  const waiter = spawn(strace, ['-f', '-y', '-e', 'trace=write,%file', '-o', log, ...CRT, 'wait', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => waiter.kill('SIGKILL'));
  const end = ended(waiter);
  const calls = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  await holds(() => /write\(\d+<socket[^\n]* 8\) = 8\n[\s\S]*\/ended"/.test(calls()), 'it asks, and looks');
  await kill(name);
  t.is((await end).stdout, '137\n');
});
