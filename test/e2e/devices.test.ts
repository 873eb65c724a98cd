import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../src/index.js';
import { Shell } from './pty.js';
import { box, cgroupFile, cgroupsOf, e2e, folder, host, ptyTest, ROOTFS, script } from './support.js';

const isEntered = host.cgroup.hierarchies.some(({ controllers }) => controllers.includes('devices'));
const onV1 = host.uid === 0 && host.cgroup.mode !== 'v2' && isEntered ? test : test.skip;
/** Where there is a filter at all. */
const filtered = host.uid === 0 && (host.cgroup.mode === 'v2' || isEntered) ? test : test.skip;

/** What `look` finds while a container waits. */
async function whileRunning<T>(t: ExecutionContext, look: (name: string) => T): Promise<T | undefined> {
  let found: T | undefined;
  await run({
    name: box(t),
    rootfs: ROOTFS,
    command: ['sleep', '1000'],
    onStart: (container) => {
      found = look(container.name);
      container.kill('SIGKILL');
    },
  });
  return found;
}

onV1('the host’s list of what a container may do with devices', async (t) => {
  const list = await whileRunning(t, (name) => cgroupFile(name, ['devices', 'devices.list'], ''));
  t.deepEqual(list?.split('\n').sort(), [
    'b *:* m',
    'c *:* m',
    'c 136:* rwm',
    'c 1:3 rwm',
    'c 1:5 rwm',
    'c 1:7 rwm',
    'c 1:8 rwm',
    'c 1:9 rwm',
    'c 5:0 rwm',
    'c 5:1 rwm',
    'c 5:2 rwm',
  ]);
});

filtered('almighty root in the cgroup of a container opens no device of the host', async (t) => {
  const place = await folder(t);
  const nodes = ['kmsg c 1 11', 'loop b 7 0', 'zero c 1 5'];
  const tryAll = `for f in kmsg loop zero; do (: < ${place}/$f) 2> /dev/null && echo $f; done; mknod ${place}/mem c 1 1 && echo made`;
  t.is(spawnSync('sh', ['-ec', nodes.map((node) => `mknod ${place}/${node}`).join(';')]).status, 0);
  t.is(spawnSync('sh', ['-c', tryAll], { encoding: 'utf8' }).stdout, 'kmsg\nloop\nzero\nmade\n', 'the host itself can');
  rmSync(`${place}/mem`);
  const inCgroup = await whileRunning(t, (name) => {
    const door = cgroupsOf(name).find((path) => host.cgroup.mode === 'v2' || path.includes('/devices/'));
    return spawnSync('sh', ['-c', `echo 0 > ${door}/cgroup.procs && { ${tryAll}; }`], { encoding: 'utf8' }).stdout;
  });
  t.is(inCgroup, 'zero\nmade\n');
});

e2e('each default device can be read and written, and terminals opened', async (t) => {
  const { stdout, stderr } = await script(
    t,
    `for f in null zero full random urandom ptmx; do (: < /dev/$f) && (: > /dev/$f) && (: <> /dev/$f) && echo $f; done
     head -c 4 /dev/random /dev/urandom /dev/zero > /dev/null && echo filled; echo x > /dev/null; echo x > /dev/zero && echo taken
     python3 -c 'import pty; pty.spawn(["sh", "-c", "echo terminal > /dev/tty; tty; (: <> /dev/tty) && echo both"])'`,
  );
  t.is(stdout.replaceAll('\r', ''), 'null\nzero\nfull\nrandom\nurandom\nptmx\nfilled\ntaken\nterminal\n/dev/pts/0\nboth\n', stderr);
});

ptyTest('with a terminal /dev/tty and /dev/console can be opened', async (t) => {
  const shell = new Shell(t);
  await shell.see(/HOST> /);
  shell.type(
    `${Shell.run} ${box(t)} -t -- sh -c 'echo by tty > /dev/tty; echo by console > /dev/console; (: <> /dev/tty) && echo bo"th"'\r`,
  );
  await shell.see(/\nby tty\r\nby console\r\nboth\r\n/);
  await shell.see(/HOST> /);
  t.is(await shell.code(), 0);
});

onV1('the hierarchy is entered, not shown inside', async (t) => {
  const { stdout } = await script(t, 'grep -Ec "[:,]devices[:,].*/$" /proc/self/cgroup; ls /sys/fs/cgroup');
  t.regex(stdout, /^1\n/);
  t.notRegex(stdout, /devices/);
});
