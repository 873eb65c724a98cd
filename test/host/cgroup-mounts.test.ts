import test from 'ava';
import { cgroupFacts } from '../../src/host/cgroup-mounts.js';
import { parseMounts } from '../../src/host/mounts.js';

const ROOT = '20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:20 / /sys rw - sysfs sysfs rw\n';
const TMPFS = `${ROOT}31 21 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n`;
const plain = (facts: unknown): unknown => JSON.parse(JSON.stringify(facts));

test('version 1, controllers co-mounted, named hierarchies left out', (t) => {
  const mountinfo = `${TMPFS}32 31 0:29 / /sys/fs/cgroup/systemd rw,nosuid shared:8 - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory,clone_children
`;
  const facts = cgroupFacts(parseMounts(mountinfo), '4:memory:/user.slice\n3:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/s\n');
  t.deepEqual(plain(facts), {
    mode: 'v1',
    hierarchies: [
      { controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct' },
      { controllers: ['memory'], mountpoint: '/sys/fs/cgroup/memory' },
    ],
  });
});

const HYBRID = `${TMPFS}35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
`;
const HYBRID_SELF = '4:memory:/\n0::/init.scope\n';
for (const controllers of [['hugetlb'], []]) {
  test(`hybrid, the version 2 tree with [${controllers.join()}]`, (t) => {
    const facts = cgroupFacts(parseMounts(HYBRID), HYBRID_SELF, () => controllers);
    t.is(facts.mode, 'hybrid');
    t.deepEqual(plain(facts.hierarchies), [{ controllers: ['memory'], mountpoint: '/sys/fs/cgroup/memory' }]);
    t.deepEqual(plain(facts.unified), { mountpoint: '/sys/fs/cgroup/unified', controllers, own: '/init.scope' });
  });
}

const SYSTEMD = `${ROOT}32 21 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n`;

test('version 2 as systemd mounts it', (t) => {
  const asked: string[] = [];
  const facts = cgroupFacts(parseMounts(SYSTEMD), '0::/user.slice/user-0.slice/session-1.scope\n', (mountpoint) => {
    asked.push(mountpoint);
    return ['cpu', 'memory', 'pids'];
  });
  t.deepEqual(plain(facts), {
    mode: 'v2',
    hierarchies: [],
    unified: { mountpoint: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids'], own: '/user.slice/user-0.slice/session-1.scope' },
  });
  t.deepEqual(asked, ['/sys/fs/cgroup']);
});

test('a stray version 1 net_cls mount leaves the machine in mode v2', (t) => {
  const stray = `${SYSTEMD}50 20 0:60 / /opt/vpn/net_cls rw - cgroup net_cls rw,net_cls\n`;
  t.is(cgroupFacts(parseMounts(stray), '1:net_cls:/\n0::/\n', () => ['memory']).mode, 'v2');
});

test('version 1 without memory beside an empty version 2 tree stays hybrid', (t) => {
  const noMemory = `${TMPFS}36 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;
  t.is(cgroupFacts(parseMounts(noMemory), '8:pids:/\n0::/\n').mode, 'hybrid');
});

test('WSL2 with its version 1 default', (t) => {
  const wsl = `60 50 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard
70 60 0:22 / /sys rw,nosuid - sysfs sysfs rw
71 70 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
72 71 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
73 71 0:28 / /sys/fs/cgroup/cpuset rw,nosuid - cgroup cgroup rw,cpuset
74 71 0:31 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
75 71 0:35 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
`;
  const facts = cgroupFacts(parseMounts(wsl), '13:pids:/\n7:memory:/\n4:cpuset:/\n0::/\n');
  t.is(facts.mode, 'hybrid');
  t.deepEqual(
    facts.hierarchies.map(({ controllers }) => controllers.join()),
    ['cpuset', 'memory', 'pids'],
  );
});

test('WSL2 with version 2 only', (t) => {
  const wsl = `60 50 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard
70 60 0:22 / /sys rw,nosuid - sysfs sysfs rw
71 70 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
`;
  t.is(cgroupFacts(parseMounts(wsl), '0::/\n', () => ['memory', 'pids']).mode, 'v2');
});

test('no cgroup mount', (t) => {
  t.deepEqual(cgroupFacts(parseMounts(ROOT), '0::/\n'), { mode: 'none', hierarchies: [], unified: undefined });
});

test('a mount that a later one covers does not count', (t) => {
  const covered = `${HYBRID}90 31 0:99 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n`;
  const facts = cgroupFacts(parseMounts(covered), HYBRID_SELF, () => ['memory']);
  t.is(facts.mode, 'v2');
  t.is(facts.unified?.mountpoint as string, '/sys/fs/cgroup');
});

test('of two mounts of one hierarchy the writable one is taken, at the usual place', (t) => {
  const twice = `${TMPFS}33 20 0:31 / /run/early rw - cgroup cgroup rw,memory
34 31 0:31 / /sys/fs/cgroup/ro ro - cgroup cgroup rw,memory
35 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`;
  t.deepEqual(
    cgroupFacts(parseMounts(twice), '4:memory:/\n').hierarchies.map(({ mountpoint }) => mountpoint as string),
    ['/sys/fs/cgroup/memory'],
  );
});

test('a mountpoint with a space', (t) => {
  const facts = cgroupFacts(parseMounts(`${ROOT}33 20 0:31 / /my\\040cg rw - cgroup cgroup rw,memory\n`), '4:memory:/\n');
  t.is(facts.hierarchies[0]?.mountpoint as string | undefined, '/my cg');
});
