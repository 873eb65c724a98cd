import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

// What the other files of the guest rely on. A guest without it would let them pass for the wrong reason.

test('cgroup v2 is the only hierarchy and has every controller', (t) => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line));
  t.is(mounts.length, 1);
  t.regex(mounts[0] ?? '', / \/sys\/fs\/cgroup .* - cgroup2 /);
  const controllers = new Set(readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' '));
  for (const name of ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids']) t.true(controllers.has(name), name);
});

test('the test rootfs is on a file system that can be an overlay layer', (t) => {
  const rootfs = process.env['CRT_TEST_ROOTFS'];
  t.truthy(rootfs);
  t.true(existsSync(join(rootfs ?? '', 'usr/bin/python3')));
  mkdirSync('/var/lib/crt', { recursive: true, mode: 0o700 });
  const folder = mkdtempSync('/var/lib/crt/probe-');
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(folder, name));
  for (const path of [upper, work, merged]) mkdirSync(path ?? '');
  const options = `lowerdir=${rootfs},upperdir=${upper},workdir=${work}`;
  const script = 'mount -t overlay probe -o "$1" "$2" && echo written >"$2/file"';
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', options, merged ?? '']);
  t.is(readFileSync(join(upper ?? '', 'file'), 'utf8'), 'written\n');
  rmSync(folder, { recursive: true, force: true });
});

test('the machine has the tools that the tests call', (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'guest-')), 'script.mjs');
  writeFileSync(file, 'process.stdout.write(process.version)');
  t.is(execFileSync(process.execPath, [file], { encoding: 'utf8' }), process.version);
  for (const tool of ['bash', 'unshare', 'nsenter', 'ip', 'ps', 'strace', 'python3']) {
    t.notThrows(() => execFileSync('sh', ['-c', `command -v ${tool}`]), tool);
  }
});
