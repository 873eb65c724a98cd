import { type Plan, type Step, step, toContainerPath, toHostPath } from '../../src/plan/step.js';
import { capabilityMask } from '../../src/spec/capabilities.js';
import { RLIM_INFINITY } from '../../src/spec/rlimits.js';
import { prepare, sources } from './fixture-outside.js';

const at = toContainerPath;
const host = toHostPath;
const KEPT = capabilityMask([
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
]);
const NAMESPACES = 0x00020000 | 0x20000000;

function birth(): Step[] {
  const own = { chapter: 'namespaces' as const };
  return [
    step(
      'node',
      'stage',
      { target: host('/run/crt/box/dev/null'), mode: 0o020666, device: (1n << 32n) | 3n, owner: (0x70000000n << 32n) | 0x70000000n },
      { chapter: 'devices', why: 'c 1:3' },
    ),
    step('oom-score', 'stage', { value: 200 }, { chapter: 'process', why: 'how soon the kernel picks it when memory is short' }),
    step(
      'join-userns',
      'stage',
      { userns: 'userns', net: 'net', uts: 'uts', ipc: 'ipc' },
      { ...own, why: "from here on the host's rights are gone" },
    ),
    step('ids-root', 'stage', {}, { ...own, why: 'root of the container, or all that is made would be of nobody' }),
    step(
      'target',
      'stage',
      { pidfd: 'target', cgroup: 'cgroup-namespace', pid: 4711, start: 123456 },
      { ...own, why: 'the container, and no other process' },
    ),
    step('enter', 'stage', { target: 'target', namespaces: NAMESPACES }, { ...own, why: "the container's own" }),
    step('device-filter', 'stage', { cgroup: 'cgroup-memory', program: new Uint8Array(496) }, { chapter: 'cgroup', why: 'no disks' }),
    step('clone', 'stage', { pidfd: 'init', namespaces: NAMESPACES }, { ...own, why: 'init is born: PID 1 in namespaces of its own' }),
    step('parent-death', 'init', { signal: 9 }, { chapter: 'process', why: 'if the monitor dies, so does all this' }),
    step('cgroup-join', 'init', { tasks: 'cgroup-memory' }, { chapter: 'cgroup', why: 'enter the memory cgroup' }),
    step('unshare', 'init', { namespaces: 0x02000000 }, { chapter: 'cgroup', why: 'its own cgroup is the root that it sees' }),
    step('loopback', 'init', {}, { ...own, why: 'the only network inside: 127.0.0.1' }),
    step('hostname', 'init', { name: 'box' }, { ...own, why: 'its own name' }),
    step('domainname', 'init', { name: 'example' }, { ...own, why: 'its own domain' }),
  ];
}

function inside(): Step[] {
  const mounts = { chapter: 'mounts' as const, flags: ['mkdir'] as const };
  const root = 'root';
  const link = (file: string): Step =>
    step(
      'symlink',
      'init',
      { root, content: `box/${file}`, target: at(`/sys/fs/cgroup/memory/${file}`) },
      { chapter: 'cgroup', why: 'the usual path, too' },
    );
  return [
    step(
      'root',
      'init',
      { root, path: host('/run/crt/box/root') },
      { chapter: 'mounts', why: 'every path from here on is looked up below this' },
    ),
    step(
      'mount',
      'init',
      { root, type: 'proc', source: 'proc', target: at('/proc'), options: [], attrs: 14, mode: 0 },
      { ...mounts, why: 'shows the processes of this pid namespace only' },
    ),
    step(
      'mount',
      'init',
      { root, type: 'tmpfs', source: 'tmpfs', target: at('/dev'), options: ['mode=755', 'size=64k'], attrs: 2, mode: 0 },
      { ...mounts, why: 'a fresh file system in memory' },
    ),
    step(
      'mount',
      'init',
      {
        root,
        type: 'devpts',
        source: 'devpts',
        target: at('/dev/pts'),
        options: ['ptmxmode=0666', 'mode=0620', 'gid=5'],
        attrs: 10,
        mode: 0,
      },
      { ...mounts, why: 'terminals of its own' },
    ),
    step(
      'mount',
      'init',
      { root, type: 'sysfs', source: 'sysfs', target: at('/sys'), options: [], attrs: 15, mode: 0 },
      { ...mounts, why: 'the devices and buses, read-only' },
    ),
    step(
      'mount',
      'init',
      { root, type: 'tmpfs', source: 'tmpfs', target: at('/sys/fs/cgroup'), options: ['mode=755'], attrs: 14, mode: 0 },
      { ...mounts, chapter: 'cgroup', why: 'room for the cgroup mounts' },
    ),
    step(
      'mount',
      'init',
      { root, type: 'cgroup', source: 'cgroup', target: at('/sys/fs/cgroup/memory/box'), options: ['memory'], attrs: 15, mode: 0 },
      { ...mounts, chapter: 'cgroup', why: "the container's own memory cgroup" },
    ),
    ...[
      'cgroup.procs',
      'memory.failcnt',
      'memory.limit_in_bytes',
      'memory.max_usage_in_bytes',
      'memory.oom_control',
      'memory.usage_in_bytes',
      'tasks',
    ].map(link),
  ];
}

function filled(): Step[] {
  const devices = { chapter: 'devices' as const };
  const root = 'root';
  const device = (name: string, minor: bigint): Step =>
    step(
      'device',
      'init',
      { root, target: at(`/dev/${name}`), mode: 0o020666, device: (1n << 32n) | minor, owner: 0 },
      { ...devices, why: `c 1:${minor}` },
    );
  return [
    step(
      'bind',
      'init',
      { root, source: host('/run/crt/box/bind-7'), target: at('/data'), attrs: 0 },
      { chapter: 'mounts', why: 'from the host: /home/ada/data', flags: ['mkdir', 'mkfile'] },
    ),
    step(
      'bind',
      'init',
      { root, source: host('/run/crt/box/file-0'), target: at('/etc/hostname'), attrs: 0 },
      { chapter: 'mounts', why: 'provided by crt, nothing written to the rootfs', flags: ['mkfile'] },
    ),
    device('null', 3n),
    device('zero', 5n),
    step('symlink', 'init', { root, content: '/proc/self/fd', target: at('/dev/fd') }, { ...devices, why: 'a name that programs expect' }),
  ];
}

function settle(terminal: boolean): Step[] {
  const own = { chapter: 'process' as const };
  const root = 'root';
  const covers = { root, file: host('/run/crt/box/null'), directory: host('/run/crt/box/empty') };
  const mask = (path: string): Step =>
    step(
      'mask',
      'init',
      { ...covers, target: at(path) },
      { chapter: 'masks', why: 'tells or does too much of the host', flags: ['optional'] },
    );
  const lock = (path: string): Step =>
    step('readonly', 'init', { root, target: at(path) }, { chapter: 'masks', why: "a knob of the host's kernel", flags: ['optional'] });
  const console: Step[] = [
    step(
      'console',
      'init',
      { root, rows: 24, columns: 80, bind: 1 },
      { chapter: 'console', why: "a terminal in the container's own devpts" },
    ),
    step('relay', 'monitor', { master: 'master' }, { chapter: 'console', why: "the caller's terminal in raw mode, bytes both ways" }),
  ];
  return [
    step('session', 'init', {}, { ...own, why: "out of the caller's session" }),
    step('user', 'init', { root, spec: 'ada', groups: ['44'] }, { ...own, why: "looked up in the container's own /etc/passwd" }),
    ...(terminal ? console : []),
    step(
      'sysctl',
      'init',
      { root, key: 'net/ipv4/ip_unprivileged_port_start', value: '80' },
      { ...own, why: 'a knob of its own namespaces' },
    ),
    ...['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'].map(mask),
    ...['/proc/bus', '/proc/sys', '/proc/sysrq-trigger'].map(lock),
    step('stdio', 'init', { root }, { chapter: 'devices', why: "not the host's /dev/null" }),
    step('pivot', 'init', { root }, { chapter: 'rootfs', why: 'the host is gone from here on' }),
    step(
      'remount',
      'init',
      { target: at('/sys/fs/cgroup'), attrs: 15 },
      { chapter: 'cgroup', why: 'no file may be added among the cgroups' },
    ),
    step('keyring', 'init', { name: 'crt' }, { ...own, why: "not the caller's session keyring" }),
    step('rlimit', 'monitor', { resource: 4, soft: 0, hard: 0 }, { ...own, why: 'RLIMIT_CORE' }),
    step('rlimit', 'monitor', { resource: 7, soft: 1024, hard: RLIM_INFINITY }, { ...own, why: 'RLIMIT_NOFILE' }),
    step('cwd', 'init', { root, directory: at('/data') }, { ...own, why: 'where the command starts', flags: ['mkdir'] }),
  ];
}

function command(): Step[] {
  const own = { chapter: 'process' as const };
  const exec = {
    candidates: ['/usr/local/bin/python3', '/usr/bin/python3'],
    argv: ['python3', 'job one.py', '--fast'],
    env: ['PATH=/usr/local/bin:/usr/bin', 'TERM=xterm', 'API_TOKEN=tok-4711', 'db_password=hunter2', 'TITLE=\x1b]0;owned\x07'],
    reaper: 1,
  };
  return [
    step('umask', 'init', { mask: 0o022 }, { ...own, why: 'from here on new files are 0644' }),
    step('signals', 'init', {}, { ...own, why: 'all 64 to their defaults, none blocked' }),
    step('bounding', 'init', { capabilities: KEPT }, { ...own, why: 'what no program inside can ever gain' }),
    step('identity', 'init', {}, { ...own, why: 'groups, then group, then user' }),
    step('caps', 'init', { permitted: KEPT, inheritable: 0, ambient: 0 }, { ...own, why: 'what is left of root' }),
    step('no-new-privs', 'init', {}, { ...own, why: 'setuid files give nothing' }),
    step('listener', 'init', { filter: new Uint8Array(48), flags: 0 }, { ...own, why: 'mount(2) inside asks the monitor' }),
    step('answer', 'monitor', { listener: 'listener' }, { ...own, why: '/proc is there already: who mounts it again hears yes' }),
    step('exec-label', 'init', { root: 'root', file: '/proc/self/attr/exec', label: 'exec box' }, { ...own, why: 'its profile' }),
    step('seccomp', 'init', { filter: new Uint8Array(16), flags: 6 }, { ...own, why: 'no user namespaces' }),
    step('report', 'monitor', { reason: 'ready' }, { ...own, why: 'crt shows what was done' }),
    step('await', 'monitor', {}, { ...own, why: 'until it has' }),
    step('close-fds', 'init', {}, { ...own, why: 'nothing that was left open gets in' }),
    step('exec', 'init', exec, { ...own, why: 'the command, with a reaper as PID 1' }),
  ];
}

function copies(): Step[] {
  const [own, root] = [{ chapter: 'process' as const }, 'root'];
  return [
    step('look', 'init', { root, target: at('/etc'), flags: 0 }, { ...own, why: 'is it there, and what is it' }),
    step('archive', 'init', { root, source: at('/etc'), name: 'etc', flags: 1 }, { ...own, why: 'to stdout' }),
    step('extract', 'init', { root, target: at('/tmp/\x1b[2J'), flags: 12 }, { ...own, why: 'from stdin' }),
  ];
}

/** A plan that looks like a compiled one and has every op of the vocabulary, hostile text included. */
export function samplePlan({ terminal = true }: { terminal?: boolean } = {}): Plan {
  return { steps: [...prepare(), ...sources(), ...birth(), ...inside(), ...filled(), ...settle(terminal), ...copies(), ...command()] };
}
