import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import type { RunOptions } from '../../src/options.js';
import { type ConfigContext, toConfig } from '../../src/spec/from-options.js';
import { guardsSetId } from '../../src/spec/set-id.js';
import { validateConfig } from '../../src/spec/validate.js';

const MIB = 1024 ** 2;
const CONTEXT: ConfigContext = { facts: { cpus: 2, oomScoreAdj: 0 }, rootfs: '/roots/debian', rootfsKind: 'directory' };
const config = (options: Partial<RunOptions> = {}, context: Partial<ConfigContext> = {}) =>
  toConfig({ name: 'box', ...options }, { ...CONTEXT, ...context });

test('the defaults of docs/security.md', (t) => {
  const { linux, process, root, hostname } = config();
  t.deepEqual(
    linux.namespaces.map(({ type }) => type),
    ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup'],
  );
  t.is(process.noNewPrivileges, true);
  t.is(process.capabilities?.bounding?.length, 11);
  t.deepEqual(process.capabilities?.permitted, process.capabilities?.bounding);
  t.deepEqual([process.capabilities?.inheritable, process.capabilities?.ambient], [[], []]);
  t.deepEqual(process.rlimits, [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]);
  t.deepEqual(process.user, { uid: 0, gid: 0, umask: 0o022 });
  t.is(linux.resources?.pids?.limit, 2048);
  t.deepEqual(Object.keys(linux.resources ?? {}), ['pids', 'devices']);
  t.is(linux.cgroupsPath, '/box');
  t.is(hostname, 'box');
  t.deepEqual(root, { path: '/roots/debian', readonly: false });
  t.deepEqual(
    linux.devices?.map(({ path, major, minor }) => `${path} ${major}:${minor}`),
    ['/dev/null 1:3', '/dev/zero 1:5', '/dev/full 1:7', '/dev/random 1:8', '/dev/urandom 1:9', '/dev/tty 5:0'],
  );
  t.deepEqual(linux.readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']);
  t.deepEqual(linux.maskedPaths?.slice(-3), [
    '/sys/devices/virtual/powercap',
    '/sys/devices/system/cpu/cpu0/thermal_throttle',
    '/sys/devices/system/cpu/cpu1/thermal_throttle',
  ]);
  t.true(linux.maskedPaths?.includes('/proc/kcore'));
});

test('the device filter: nothing but the default devices, the terminals, and making nodes', (t) => {
  const lines = config().linux.resources?.devices?.map(
    ({ allow, type = 'a', major = '*', minor = '*', access }) => `${allow ? '+' : '-'} ${type} ${major}:${minor} ${access}`,
  );
  t.deepEqual(lines, [
    '- a *:* rwm',
    '+ c *:* m',
    '+ b *:* m',
    '+ c 1:3 rwm',
    '+ c 1:5 rwm',
    '+ c 1:7 rwm',
    '+ c 1:8 rwm',
    '+ c 1:9 rwm',
    '+ c 5:0 rwm',
    '+ c 5:1 rwm',
    '+ c 5:2 rwm',
    '+ c 136:* rwm',
  ]);
});

test('the default mounts, in their order', (t) => {
  const mounts = config().mounts.map(({ destination, type, options }) => `${destination} ${type} ${options?.join(',')}`);
  t.deepEqual(mounts, [
    '/proc proc nosuid,noexec,nodev',
    '/dev tmpfs nosuid,strictatime,mode=755,size=65536k',
    '/dev/pts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5',
    '/dev/shm tmpfs nosuid,noexec,nodev,mode=1777,size=65536k',
    '/dev/mqueue mqueue nosuid,noexec,nodev',
    '/sys sysfs nosuid,noexec,nodev,ro',
    '/sys/fs/cgroup cgroup nosuid,noexec,nodev,relatime,ro',
  ]);
});

test('limits', (t) => {
  const resources = (options: Partial<RunOptions>) => config(options).linux.resources;
  t.deepEqual(resources({ memory: 50 * MIB })?.memory, { limit: 50 * MIB, swap: 50 * MIB });
  t.deepEqual(resources({ memory: 50 * MIB, memorySwap: 80 * MIB })?.memory, { limit: 50 * MIB, swap: 80 * MIB });
  t.deepEqual(resources({ memory: 50 * MIB, memorySwap: -1 })?.memory, { limit: 50 * MIB, swap: -1 });
  t.deepEqual(resources({ cpus: 0.5, cpuShares: 512, cpusetCpus: '0-1' })?.cpu, {
    shares: 512,
    quota: 50_000,
    period: 100_000,
    cpus: '0-1',
  });
  t.deepEqual(resources({ pidsLimit: -1 })?.pids, { limit: -1 });
  t.deepEqual(config({ ulimits: { core: [-1, -1], nofile: [5, -1] } }).process.rlimits, [
    { type: 'RLIMIT_CORE', soft: 18446744073709551615n, hard: 18446744073709551615n },
    { type: 'RLIMIT_NOFILE', soft: 5, hard: 18446744073709551615n },
  ]);
});

test('environment: the own variables win in place, `__proto__` is a name like any other', (t) => {
  t.deepEqual(config().process.env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=box']);
  const env = JSON.parse('{"PATH": "/x", "__proto__": "p", "A": ""}') as Record<string, string>;
  t.deepEqual(config({ env, tty: true, hostname: 'web' }).process.env, ['PATH=/x', 'HOSTNAME=web', 'TERM=xterm', '__proto__=p', 'A=']);
  t.is(({} as Record<string, unknown>)['A'], undefined);
});

test('terminal, user, command, folder', (t) => {
  const { process } = config({ tty: { rows: 24, columns: 80 }, user: '1000:staff', command: ['ls', '-la', ''], cwd: '/a/../b/' });
  t.is(process.terminal, true);
  t.deepEqual(process.consoleSize, { height: 24, width: 80 });
  t.deepEqual(process.user, { uid: 1000, gid: 0, umask: 0o022, username: '1000:staff' });
  t.deepEqual(process.args, ['ls', '-la', '']);
  t.is(process.cwd, '/b');
  t.deepEqual(config().process.args, []);
});

test('the supervisor’s protection from the OOM killer is not lent, its opposite is kept', (t) => {
  const score = (oomScoreAdj: number) => config({}, { facts: { cpus: 1, oomScoreAdj } }).process.oomScoreAdj;
  t.deepEqual([-900, 0, 300].map(score), [0, 0, 300]);
});

test('mounts of crt’s own yield to one at the same place', (t) => {
  const extraMounts = [{ destination: '/etc/hosts', type: 'bind', source: '/x', options: ['ro'] }];
  const sources = (mounts: RunOptions['mounts']) =>
    config({ mounts }, { extraMounts })
      .mounts.filter(({ destination }) => destination === '/etc/hosts')
      .map(({ source }) => source);
  t.deepEqual(sources([]), ['/x']);
  t.deepEqual(sources([{ source: '/y', target: '/etc/hosts' }]), ['/y']);
  const shm = config({ mounts: [{ type: 'tmpfs', target: '/dev/shm', size: 4096 }] }).mounts.filter(
    ({ destination }) => destination === '/dev/shm',
  );
  t.deepEqual(
    shm.map(({ options }) => options?.at(-1)),
    ['size=4096'],
  );
});

test('a config belongs to whoever asked for it', (t) => {
  const first = config();
  first.mounts[0]?.options?.push('suid');
  first.linux.namespaces.length = 1;
  first.process.capabilities?.bounding?.push('CAP_SYS_ADMIN');
  if (first.linux.devices?.[0]) first.linux.devices[0].major = 8;
  t.notDeepEqual(config(), first);
  t.deepEqual(config().mounts[0]?.options, ['nosuid', 'noexec', 'nodev']);
  t.is(config().linux.devices?.[0]?.major, 1);
  t.is(config().process.capabilities?.bounding?.length, 11);
});

test('what the host’s own rootfs does not do', (t) => {
  t.throws(() => config({ writableRootfs: true }, { rootfsKind: 'host' }), { instanceOf: UserError, message: /^writableRootfs: / });
});

test('privileged: everything that crt has, nothing covered, sysfs writable, the device filter open; tightening still holds', (t) => {
  const { linux, process, mounts } = config({ privileged: true }, { facts: { cpus: 1, oomScoreAdj: 0, capabilities: 0b11n } });
  t.deepEqual(process.capabilities?.permitted, ['CAP_CHOWN', 'CAP_DAC_OVERRIDE']);
  t.deepEqual([linux.maskedPaths, linux.readonlyPaths], [[], []]);
  t.deepEqual(linux.resources?.devices, [{ allow: true, access: 'rwm' }]);
  t.deepEqual(mounts.find(({ destination }) => destination === '/sys')?.options, ['nosuid', 'noexec', 'nodev']);
  t.true(mounts.find(({ destination }) => destination === '/sys/fs/cgroup')?.options?.includes('ro'));
  t.true(process.noNewPrivileges);
  const tight = config({ privileged: true, capDrop: ['ALL'], securityOpt: { mask: ['/proc/kcore'] } });
  t.deepEqual(tight.process.capabilities?.bounding, []);
  t.deepEqual(tight.linux.maskedPaths, ['/proc/kcore']);
});

test('network, groups, devices, labels', (t) => {
  const types = (options: Partial<RunOptions>) => config(options).linux.namespaces.map(({ type }) => type);
  t.deepEqual(types({ network: 'host' }), ['mount', 'pid', 'uts', 'ipc', 'cgroup']);
  t.deepEqual(types({ network: 'none', userns: 'host' }), types({}));
  t.deepEqual(config({ groupAdd: [44, 5] }).process.user, { uid: 0, gid: 0, umask: 0o022, additionalGids: [44, 5] });
  const hostDevices = [{ type: 'c', major: 10, minor: 232, mode: 0o660, uid: 0, gid: 104 }] as const;
  const { linux } = config({ devices: [{ source: '/dev/kvm', access: 'rw' }] }, { hostDevices });
  t.deepEqual(linux.devices?.at(-1), { type: 'c', path: '/dev/kvm', major: 10, minor: 232, fileMode: 0o660, uid: 0, gid: 104 });
  t.deepEqual(linux.resources?.devices?.slice(-1), [{ allow: true, type: 'c', major: 10, minor: 232, access: 'rw' }]);
  const { process } = config({ securityOpt: { noNewPrivileges: false, apparmor: 'strict', label: { level: 's0:c1' } } });
  t.deepEqual(
    [process.noNewPrivileges, process.apparmorProfile, process.selinuxLabel],
    [false, 'strict', 'system_u:system_r:container_t:s0:c1'],
  );
});

const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
const options: fc.Arbitrary<RunOptions> = fc.record(
  {
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/),
    command: fc.array(text).filter(([first]) => first !== ''),
    env: fc.dictionary(
      text.filter((key) => key !== '' && !key.includes('=')),
      text,
    ),
    memory: fc.integer({ min: 6 * MIB, max: Number.MAX_SAFE_INTEGER }),
    cpus: fc.double({ min: 0.01, max: 2, noNaN: true }),
    cpuShares: fc.integer({ min: 2, max: 262_144 }),
    pidsLimit: fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 4_194_304 })),
    ulimits: fc.dictionary(
      fc.constantFrom('nofile', 'core', 'as'),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).map((hard) => [Math.floor(hard / 2), hard] as const),
    ),
    mounts: fc.uniqueArray(fc.constantFrom('/a', '/b', '/dev/shm')).map((targets) => targets.map((target) => ({ source: '/x', target }))),
    user: fc.constantFrom('0', 'www-data', '5:5'),
    tty: fc.oneof(fc.boolean(), fc.record({ rows: fc.integer({ min: 1, max: 65_535 }), columns: fc.integer({ min: 1, max: 65_535 }) })),
    readOnly: fc.boolean(),
  },
  { requiredKeys: ['name'] },
);

test('whatever the options, the config is one that crt would take from outside, unchanged, and as strict', (t) => {
  fc.assert(
    fc.property(options, (given) => {
      const made = toConfig(given, CONTEXT);
      t.deepEqual(validateConfig(made), made);
      t.deepEqual(made.process.args, given.command ?? []);
      t.is(made.process.noNewPrivileges, true);
      // Without SETFCAP where a folder of the host can be written to.
      t.is(made.process.capabilities?.bounding?.length, guardsSetId(given) ? 10 : 11);
      t.is(made.linux.resources?.memory?.swap, given.memory);
      for (const mount of made.mounts.filter(({ type }) => type === 'bind'))
        t.true(mount.options?.includes('nosuid') && mount.options.includes('nodev'));
    }),
  );
});
