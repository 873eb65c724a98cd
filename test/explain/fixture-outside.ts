import { type Step, step, toHostPath } from '../../src/plan/step.js';

const host = toHostPath;

/** Before anything on the host is touched, and the rootfs. */
export function prepare(): Step[] {
  const note = { chapter: 'prepare' as const };
  const rootfs = { chapter: 'rootfs' as const };
  return [
    step(
      'on-orphan',
      'monitor',
      { argv: ['/usr/bin/node', '/opt/crt/bin/run.js', 'undo', 'box'], env: ['PATH=/usr/bin'] },
      { ...note, why: 'runs if crt itself is killed' },
    ),
    step('pipes', 'monitor', { streams: 0 }, { ...note, why: 'so that the command can open /dev/stdout' }),
    step('stage', 'monitor', {}, { ...note, why: 'a helper process with a mount namespace of its own' }),
    step('propagation', 'stage', { mode: 1 << 19 }, { ...note, why: 'no mount made here reaches the host' }),
    step('open', 'stage', { fd: 'probe', path: host('/ubuntu_rootfs'), flags: 0x210000 }, { ...note, why: 'where the command must be' }),
    step(
      'probe',
      'stage',
      { root: 'probe', candidates: ['/usr/local/bin/python3', '/usr/bin/python3'] },
      { ...note, why: 'is the command there, and for this machine' },
    ),
    step('report', 'monitor', { reason: 'checked' }, { ...note, why: 'crt judges, then makes state folder, cgroup and layer' }),
    step(
      'userns',
      'stage',
      { userns: 'userns', net: 'net', uts: 'uts', ipc: 'ipc', uid_map: '0 1879048192 65536\n', gid_map: '0 1879048192 65536\n' },
      { chapter: 'namespaces', why: 'root inside is nobody outside' },
    ),
    step('await', 'monitor', {}, { chapter: 'namespaces', why: 'until crt has made folder, cgroup and layer' }),
    step(
      'control',
      'monitor',
      { directory: host('/run/crt/box'), start: 1, timeout: 0 },
      { ...note, why: 'a socket for crt stop, kill, wait and attach' },
    ),
    step(
      'log',
      'monitor',
      { directory: host('/var/lib/crt/layers/7f3a'), size: 10485760, files: 3 },
      { ...note, why: 'where the output goes' },
    ),
    step(
      'staging',
      'stage',
      { target: host('/run/crt/box'), options: ['size=4m', 'mode=700'] },
      { ...rootfs, why: 'a private place to put mounts together' },
    ),
    step('open', 'stage', { fd: 'lower', path: host('/ubuntu_rootfs'), flags: 0x210000 }, { ...rootfs, why: 'the rootfs, never written' }),
    step(
      'open',
      'stage',
      { fd: 'upper', path: host('/var/lib/crt/layers/7f3a/upper'), flags: 0x210000 },
      { ...rootfs, why: "the container's own layer" },
    ),
    step(
      'open',
      'stage',
      { fd: 'work', path: host('/var/lib/crt/layers/7f3a/work'), flags: 0x210000 },
      { ...rootfs, why: "overlay's work folder" },
    ),
    step(
      'overlay',
      'stage',
      { lower: 'lower', upper: 'upper', work: 'work', target: host('/run/crt/box/root'), options: ['volatile'], attrs: 4 },
      { ...rootfs, why: 'the rootfs below, a writable layer above' },
    ),
  ];
}

/** What the container gets to see of the host. */
export function sources(): Step[] {
  const mounts = { chapter: 'mounts' as const };
  const masks = { chapter: 'masks' as const };
  return [
    step(
      'bind-source',
      'stage',
      { idmap: 'userns', source: host('/home/ada/data'), target: host('/run/crt/box/bind-7'), attrs: 7 },
      { ...mounts, why: 'what /data will show' },
    ),
    step(
      'file',
      'stage',
      { target: host('/run/crt/box/file-0'), content: Buffer.from('box\n'), mode: 0o644 },
      { ...mounts, why: 'what /etc/hostname will say' },
    ),
    step(
      'bind-source',
      'stage',
      { source: host('/dev/null'), target: host('/run/crt/box/null'), attrs: 0 },
      { ...masks, why: 'covers masked files' },
    ),
    step(
      'open',
      'stage',
      { fd: 'empty', path: host('/run/crt/box/empty'), flags: 0x210000 },
      { ...masks, why: 'covers masked folders', flags: ['mkdir'] },
    ),
    step(
      'open',
      'stage',
      { fd: 'cgroup-memory', path: host('/sys/fs/cgroup/memory/box/tasks'), flags: 0x80001 },
      { chapter: 'cgroup', why: 'the way into the memory cgroup' },
    ),
  ];
}
