import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { LateEntry } from '../../src/cgroup/late-entry.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { probeHost } from '../../src/host/probe.js';
import { toHostPath } from '../../src/plan/step.js';
import { removeAfter, scratchName, startInside } from './scratch.js';

const host = probeHost();
const cpu = host.cgroup.hierarchies.find(({ controllers }) => controllers.length === 1 && controllers[0] === 'cpu')?.mountpoint;
const real = host.uid === 0 && host.cgroup.mode !== 'v2' && cpu ? test : test.skip;

real('all processes enter, and go back where they were', async (t) => {
  const name = scratchName();
  const cgroup = openCgroup(host.cgroup, name, {});
  const own = cgroup.create();
  removeAfter(t, own);
  const door = `${own[0]?.path}/cgroup.procs`;
  const pids = [await startInside(t, door), await startInside(t, door)].sort((a, b) => a - b);
  const path = toHostPath(`${cpu}/${name}`);
  const entry = new LateEntry(name, own);
  entry.make(path);
  entry.enter();
  const inside = readFileSync(`${path}/cgroup.procs`, 'utf8').trim().split('\n').map(Number);
  t.deepEqual(
    inside.sort((a, b) => a - b),
    pids,
  );
  entry.leave();
  t.false(existsSync(path));
  for (const pid of pids) t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /^\d+:cpu:\/$/m);
});

real('a directory of somebody else is refused and left alone', (t) => {
  const name = scratchName();
  const other = openCgroup(host.cgroup, name, { cpu: { shares: 100 } });
  removeAfter(t, other.create());
  const entry = new LateEntry(name, []);
  t.throws(() => entry.make(toHostPath(`${cpu}/${name}`)), { message: /exists already and is not crt's/ });
  entry.leave();
  t.true(existsSync(`${cpu}/${name}`));
});
