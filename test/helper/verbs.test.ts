import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { startTime } from '../../src/host/process.js';
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
  await once(child.stdout, 'data');
  const exit = once(child, 'exit');
  const others = spawn('/bin/sleep', ['1000']);
  t.teardown(() => others.kill());
  t.is(readFileSync(procs, 'utf8').trim().split('\n').length, 3);
  t.deepEqual(callHelper('kill', procs, '/nowhere/cgroup.procs'), DONE);
  t.is(readFileSync(procs, 'utf8'), '');
  t.deepEqual(await exit, [null, 'SIGKILL']);
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
  const exit = once(child, 'exit');
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
  t.deepEqual(await exit, [null, 'SIGUSR2']);
  t.regex(callHelper('signal', String(pid), String(began), '9').stderr, /No such process/);
});

test('remove takes a tree of any depth', (t) => {
  const folder = scratch(t);
  const back = process.cwd();
  try {
    process.chdir(folder);
    // Deeper than any path can say.
    for (let depth = 0; depth < 3000; depth++) {
      mkdirSync('d');
      writeFileSync('file', '');
      process.chdir('d');
    }
  } finally {
    process.chdir(back);
  }
  t.deepEqual(callHelper('remove', folder), DONE);
  t.false(existsSync(folder));
});

test('remove takes a wide tree with hostile names', (t) => {
  const folder = scratch(t);
  for (let index = 0; index < 400; index++) {
    mkdirSync(`${folder}/${index}/\n/-rf`, { recursive: true });
    writeFileSync(`${folder}/${index}/file`, '');
  }
  // The names that it gives itself: full, empty, a file, a link.
  mkdirSync(`${folder}/.crt-removed-0/a/b`, { recursive: true });
  mkdirSync(`${folder}/.crt-removed-1`);
  writeFileSync(`${folder}/.crt-removed-2`, '');
  symlinkSync('/', `${folder}/.crt-removed-3`);
  mkdirSync(`${folder}/x/.crt-removed-4/y/z`, { recursive: true });
  t.deepEqual(callHelper('remove', folder), DONE);
  t.false(existsSync(folder));
});

test('remove follows no link', (t) => {
  const folder = scratch(t);
  const victim = scratch(t);
  writeFileSync(`${victim}/kept`, 'kept');
  mkdirSync(`${folder}/tree/sub`, { recursive: true });
  symlinkSync(victim, `${folder}/tree/out`);
  symlinkSync(victim, `${folder}/tree/sub/out`);
  symlinkSync('..', `${folder}/tree/sub/up`);
  symlinkSync(victim, `${folder}/link`);
  t.regex(callHelper('remove', `${folder}/link`).stderr, /Not a directory|Too many levels/);
  t.deepEqual(callHelper('remove', `${folder}/tree`), DONE);
  t.is(readFileSync(`${victim}/kept`, 'utf8'), 'kept');
  t.false(existsSync(`${folder}/tree`));
});

test('remove leaves what is mounted in the tree alone', (t) => {
  const folder = scratch(t);
  mkdirSync(`${folder}/tree/sub/mounted`, { recursive: true });
  const script = `mount -t tmpfs none ${folder}/tree/sub/mounted && touch ${folder}/tree/sub/mounted/kept && "$0" remove ${folder}/tree; echo $?; ls ${folder}/tree/sub/mounted`;
  const { stdout, stderr } = spawnSync('unshare', ['-m', '/bin/sh', '-c', script, HELPER], { encoding: 'utf8' });
  t.is(stdout, '1\nkept\n');
  t.regex(stderr, /busy/);
});

test('remove of nothing is done, of a file an error', (t) => {
  const folder = scratch(t);
  t.deepEqual(callHelper('remove', `${folder}/missing`), DONE);
  writeFileSync(`${folder}/file`, '');
  t.is(callHelper('remove', `${folder}/file`).status, 1);
  t.true(existsSync(`${folder}/file`));
  t.is(callHelper('remove').status, 1);
});
