import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { startTime } from '../../src/host/process.js';
import { exited, until } from '../in-time.js';
import { callHelper, HELPER, scratch } from './_helper.js';

const DONE = { status: 0, stdout: '', stderr: '' };

/** A new cgroup, of whichever version there is. */
function makeCgroup(t: ExecutionContext): string {
  const parent = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const cgroup = `${parent}/crt-helper-${process.pid}`;
  mkdirSync(cgroup);
  t.teardown(() => rmdirSync(cgroup));
  return `${cgroup}/cgroup.procs`;
}

test('kill ends all that a cgroup holds, and returns when it is empty', async (t) => {
  const procs = makeCgroup(t);
  const child = spawn('/bin/sh', ['-c', `echo $$ > ${procs}; trap '' TERM; sleep 1000 & sleep 1000 & echo ready; wait`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await until(child.stdout, 'ready\n');
  const others = spawn('/bin/sleep', ['1000']);
  t.teardown(() => others.kill());
  t.is(readFileSync(procs, 'utf8').trim().split('\n').length, 3);
  t.deepEqual(callHelper('kill', procs, '/nowhere/cgroup.procs'), DONE);
  t.is(readFileSync(procs, 'utf8'), '');
  t.deepEqual(await exited(child), [null, 'SIGKILL']);
  t.is(others.exitCode, null);
});

test('kill does not take a process that it cannot name for none', (t) => {
  const file = `${scratch(t)}/cgroup.procs`;
  // What the kernel writes for a process of a pid namespace outside.
  writeFileSync(file, '0\n');
  t.deepEqual(callHelper('kill', file), { status: 1, stdout: '', stderr: 'crt-init: kill: No such process\n' });
  t.is(callHelper('kill', scratch(t)).status, 1);
});

test('signal reaches the process that began then, and no other', async (t) => {
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const began = startTime(pid) ?? 0;
  for (const words of [
    [pid, began + 1, 9],
    [pid, began],
    [pid, began, 65],
    [`${pid}x`, began, 9],
    [-pid, began, 9],
    [0, began, 9],
    [pid, '', 9],
  ]) {
    t.is(callHelper('signal', ...words.map(String)).status, 1, words.join(' '));
  }
  t.deepEqual(callHelper('signal', String(pid), String(began), '0'), DONE);
  t.is(child.exitCode ?? child.signalCode, null);
  t.deepEqual(callHelper('signal', String(pid), String(began), '12'), DONE);
  t.deepEqual(await exited(child), [null, 'SIGUSR2']);
  t.regex(callHelper('signal', String(pid), String(began), '9').stderr, /No such process/);
});

test('opaque tells which folders hide what is below, by both names of the attribute', (t) => {
  const folder = scratch(t);
  const names = ['plain', 'user', 'trusted', 'both', 'other', 'long', 'last'];
  for (const name of names) mkdirSync(`${folder}/${name}`);
  const script = `import os, sys
for name, attribute, value in (('user', 'user', b'y'), ('trusted', 'trusted', b'y'), ('both', 'user', b'y'), ('both', 'trusted', b'x'),
    ('other', 'user', b'x'), ('long', 'trusted', b'yy')):
    os.setxattr(sys.argv[1] + '/' + name, attribute + '.overlay.opaque', value)`;
  const { status, stderr } = spawnSync('python3', ['-c', script, folder], { encoding: 'utf8' });
  t.is(status, 0, stderr);
  const open = names.map((name) => openSync(`${folder}/${name}`, 'r'));
  const answer = spawnSync(HELPER, ['opaque'], { env: {}, stdio: ['ignore', 'pipe', 'pipe', ...open], encoding: 'utf8' });
  for (const fd of open) closeSync(fd);
  t.deepEqual([answer.status, answer.stdout.replace(/[^y]/g, 'n'), answer.stderr], [0, 'nyyynnn', '']);
  t.deepEqual(callHelper('opaque'), DONE);
});
