import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { destroyCgroup } from '../../src/cgroup/destroy.js';
import type { CgroupDirectory } from '../../src/cgroup/driver.js';
import { probeHost } from '../../src/host/probe.js';
import { bootId, isAlive, startTime } from '../../src/host/process.js';
import { toHostPath } from '../../src/plan/step.js';
import { killAll, scratchName, startInside } from './scratch.js';

const host = probeHost();
const pids = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('pids'))?.mountpoint;
const freezer = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('freezer'))?.mountpoint;
const unified = host.cgroup.unified?.mountpoint;
const never = (): never => {
  throw new Error('nobody was to be killed');
};

function made(path: string): CgroupDirectory {
  mkdirSync(path);
  return { path: toHostPath(path), inode: lstatSync(path).ino };
}

/** The same laws on every tree that this machine has. */
for (const [version, mountpoint] of [
  ['version 1', pids],
  ['version 2', unified],
] as const) {
  const real = host.uid === 0 && mountpoint ? test : test.skip;
  const scratch = (): string => `${mountpoint}/${scratchName()}`;

  real(`${version}: empty cgroups go without killing, children first`, (t) => {
    const directory = made(scratch());
    mkdirSync(`${directory.path}/a`);
    mkdirSync(`${directory.path}/a/b`);
    mkdirSync(`${directory.path}/c`);
    destroyCgroup([directory], never);
    t.false(existsSync(directory.path));
  });

  real(`${version}: one that is gone already is fine`, (t) => {
    t.notThrows(() => destroyCgroup([{ path: toHostPath(scratch()), inode: 1 }], never));
  });

  real(`${version}: a directory with another inode is not ours and stays`, (t) => {
    const directory = made(scratch());
    t.teardown(() => destroyCgroup([directory], killAll));
    destroyCgroup([{ ...directory, inode: directory.inode + 1 }], never);
    t.true(existsSync(directory.path));
  });

  real(`${version}: processes in it and below it are ended`, async (t) => {
    const directory = made(scratch());
    t.teardown(() => destroyCgroup([directory], killAll));
    const child = `${directory.path}/child`;
    mkdirSync(child);
    const inside = [await startInside(t, `${directory.path}/cgroup.procs`), await startInside(t, `${child}/cgroup.procs`)];
    const identities = inside.map((pid) => ({ pid, startTime: startTime(pid) ?? -1, bootId: bootId() }));
    t.true(identities.every(isAlive));
    const seen: string[] = [];
    destroyCgroup([directory], (procs) => {
      seen.push(...procs);
      killAll(procs);
    });
    t.false(existsSync(directory.path));
    t.false(identities.some(isAlive));
    t.deepEqual(seen.slice(0, 2), [`${directory.path}/cgroup.procs`, `${child}/cgroup.procs`]);
  });
}

// Only on version 1: on version 2 cgroup.kill ends the process without the killer.
(host.uid === 0 && pids ? test : test.skip)('a killer that fails is heard, one that does nothing ends in a clear error', async (t) => {
  const directory = made(`${pids}/${scratchName()}`);
  t.teardown(() => destroyCgroup([directory], killAll));
  await startInside(t, `${directory.path}/cgroup.procs`);
  t.throws(() => destroyCgroup([directory], never), { message: 'nobody was to be killed' });
  t.throws(() => destroyCgroup([directory], () => undefined), { name: 'UserError', message: /is still in use/ });
  t.true(existsSync(directory.path));
});

(host.uid === 0 && freezer ? test : test.skip)('a frozen process is thawed, else it could not die', async (t) => {
  const directory = made(`${freezer}/${scratchName()}`);
  t.teardown(() => destroyCgroup([directory], killAll));
  await startInside(t, `${directory.path}/cgroup.procs`);
  writeFileSync(`${directory.path}/freezer.state`, 'FROZEN');
  destroyCgroup([directory], killAll);
  t.false(existsSync(directory.path));
});

test('what rmdir refuses for another reason is reported', (t) => {
  const folder = mkdtempSync(`${tmpdir()}/crt-test-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = `${folder}/file`;
  writeFileSync(file, '');
  t.throws(() => destroyCgroup([{ path: toHostPath(file), inode: lstatSync(file).ino }], never), {
    name: 'UserError',
    message: /cannot remove the cgroup .*not a directory/,
  });
});
