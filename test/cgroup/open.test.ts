import test from 'ava';
import { openCgroup } from '../../src/cgroup/open.js';
import { CgroupV1 } from '../../src/cgroup/v1.js';
import { CgroupV2 } from '../../src/cgroup/v2.js';
import { toHostPath } from '../../src/plan/step.js';

const unified = { mountpoint: toHostPath('/cg'), controllers: [], own: '/' };
const none = { mode: 'none', hierarchies: [], unified: undefined } as const;

test('each mode has its driver', (t) => {
  t.true(openCgroup({ mode: 'v2', hierarchies: [], unified }, 'box', {}) instanceof CgroupV2);
  t.true(openCgroup({ mode: 'v1', hierarchies: [], unified: undefined }, 'box', {}) instanceof CgroupV1);
  t.true(openCgroup({ mode: 'hybrid', hierarchies: [], unified }, 'box', {}) instanceof CgroupV1);
});

test('without a cgroup mount only a container without limits starts', (t) => {
  const free = openCgroup(none, 'box', { pids: { limit: -1 } });
  free.check();
  t.deepEqual(
    [free.create(), free.open({ bornInside: true }).steps, free.join({ bornInside: true }), free.mounts('root'), free.pids()],
    [[], [], [], [], []],
  );
  t.throws(() => openCgroup(none, 'box', { memory: { limit: 52428800 } }).check(), {
    name: 'UserError',
    message: /no cgroup file system is mounted, so the memory/,
  });
  t.throws(() => openCgroup(none, 'box', { pids: { limit: 2048 } }).check(), { name: 'UserError', message: /so the pids/ });
});

test('a name that could leave the tree never gets that far', (t) => {
  for (const name of ['', '.', '..', '../x', 'a/b', '-x', 'a\nb', 'a\0b']) {
    t.throws(() => openCgroup({ mode: 'hybrid', hierarchies: [], unified }, name, {}), { name: 'BugError' }, JSON.stringify(name));
  }
});
