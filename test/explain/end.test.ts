import test from 'ava';
import { explainEnd } from '../../src/explain/end.js';
import { displayWidth } from '../../src/format/printable.js';

const container = {
  pid: 4711,
  name: 'box',
  cgroupPaths: ['/sys/fs/cgroup/memory/box', '/sys/fs/cgroup/pids/box', '/sys/fs/cgroup/freezer/box'],
};

test('real commands with the real number and paths', (t) => {
  t.snapshot(explainEnd({ ...container, width: 100, color: false }));
  t.snapshot(explainEnd({ ...container, width: 44, color: false }));
  const text = explainEnd({ ...container, width: 80, color: false });
  for (const command of [
    'lsns -p 4711',
    'ls -l /proc/4711/ns',
    'cat /proc/4711/mountinfo',
    '/proc/4711/status',
    'cat /sys/fs/cgroup/memory/box/memory.limit_in_bytes',
  ]) {
    t.true(text.includes(command), command);
  }
});

test('a cgroup of version 2', (t) => {
  const text = explainEnd({ ...container, cgroupPaths: ['/sys/fs/cgroup/crt/box'], width: 80, color: false });
  t.true(text.includes('cat /sys/fs/cgroup/crt/box/memory.max'));
});

test('no line is too long', (t) => {
  for (const width of [40, 60, 80, 120]) {
    const text = explainEnd({
      pid: 4194304,
      name: 'x'.repeat(63),
      cgroupPaths: [`/sys/fs/cgroup/memory/${'x'.repeat(63)}`],
      width,
      color: false,
    });
    for (const line of text.split('\n')) t.true(displayWidth(line) <= width, line);
  }
});
