import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { toConfig } from '../../src/spec/from-options.js';
import { parseExactJson, stringifyExactJson } from '../../src/spec/json.js';
import { validateConfig } from '../../src/spec/validate.js';

type Json = { [key: string]: unknown };
const good = (): Json =>
  JSON.parse(
    JSON.stringify(toConfig({ name: 'box' }, { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/r', rootfsKind: 'directory' })),
  ) as Json;

/** A good config with the value at `path` (`linux.namespaces.0.type`) changed; undefined takes it away. */
function changed(path: string, value: unknown): Json {
  const config = good();
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<Json>((node, key) => {
    if (node[key] === undefined) node[key] = {};
    return node[key] as Json;
  }, config);
  if (value === undefined) delete parent[last];
  else Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
  return config;
}
const message = (config: unknown): string => {
  try {
    validateConfig(config);
    return 'taken';
  } catch (error) {
    return error instanceof UserError && error.hint ? error.message : `not a UserError with a hint: ${String(error)}`;
  }
};

test('a good config is answered whole and as a new value', (t) => {
  const config = good();
  const checked = validateConfig(config);
  t.deepEqual<unknown, unknown>(checked, config);
  t.not<unknown, unknown>(checked.linux, config['linux']);
});

const WRONG: readonly (readonly [path: string, value: unknown, field: string])[] = [
  ['ociVersion', '2.0.0', 'ociVersion'],
  ['ociVersion', undefined, 'ociVersion is missing'],
  ['root', undefined, 'root is missing'],
  ['root.path', 'rootfs', 'root.path'],
  ['root.path', '/a\0b', 'root.path'],
  ['root.readonly', 'yes', 'root.readonly'],
  ['hostname', 'a b', 'hostname'],
  ['mounts.0.destination', 'proc', 'mounts[0].destination'],
  ['mounts.0.destination', '/', 'mounts[0].destination'],
  ['mounts.1.destination', '/proc/self', 'mounts[1].destination'],
  ['mounts.1.destination', '/x/../proc', 'mounts[1].destination'],
  ['mounts.0.type', undefined, 'mounts[0].type is missing'],
  ['mounts.0.type', 'bind', 'mounts[0].source'],
  ['mounts.0.options', 'ro', 'mounts[0].options'],
  ['mounts.0.options.1', 5, 'mounts[0].options[1]'],
  ['mounts.0.options.1', 'rshared', 'mounts[0].options[1]: rshared: crt does not have mount propagation yet'],
  ['mounts.0.options.1', 'idmap', 'mounts[0].options: ids are mapped as in the user namespace, and there is none'],
  ['mounts.0.uidMappings', [{}], 'mounts[0].uidMappings: crt does not have idmapped mounts yet'],
  ['process.cwd', 'tmp', 'process.cwd'],
  ['process.env.0', 'PATH', 'process.env[0]'],
  ['process.env.0', '=x', 'process.env[0]'],
  ['process.args', 'sh', 'process.args'],
  ['process.args', [''], 'process.args[0]'],
  ['process.user.uid', 4294967295, 'process.user.uid'],
  ['process.user.uid', -1, 'process.user.uid'],
  ['process.user.gid', undefined, 'process.user.gid is missing'],
  ['process.user.umask', 512, 'process.user.umask'],
  ['process.user.username', 'a:b:c', 'process.user.username'],
  ['process.capabilities.bounding.3', 'CAP_SYS_ADMN', 'process.capabilities.bounding[3]'],
  ['process.capabilities.ambient', ['CAP_CHOWN'], 'process.capabilities.ambient: CAP_CHOWN is not in process.capabilities.inheritable'],
  ['process.capabilities.permitted', [], 'process.capabilities.effective'],
  ['process.rlimits.0.type', 'NOFILE', 'process.rlimits[0].type'],
  ['process.rlimits.0.soft', 1, 'process.rlimits[0].soft'],
  ['process.rlimits.0.hard', 2 ** 64, 'process.rlimits[0].hard'],
  ['process.rlimits.0.hard', 2n ** 64n, 'process.rlimits[0].hard'],
  ['process.rlimits.1', { type: 'RLIMIT_CORE', soft: 0, hard: 0 }, 'process.rlimits[1].type'],
  ['process.oomScoreAdj', 1001, 'process.oomScoreAdj'],
  ['process.noNewPrivileges', 'true', 'process.noNewPrivileges'],
  ['process.apparmorProfile', 'a\nb', 'process.apparmorProfile'],
  ['process.selinuxLabel', 'container_t', 'process.selinuxLabel'],
  ['linux', undefined, 'linux is missing'],
  ['linux.namespaces.2.type', 'net', 'linux.namespaces[2].type'],
  ['linux.namespaces.2.type', 'user', 'linux.uidMappings: no id of the host stands for 0'],
  ['linux.namespaces.2.type', 'time', 'linux.namespaces[2].type: crt does not have time namespaces yet'],
  ['linux.namespaces.2.type', 'pid', 'linux.namespaces[2].type: pid is there twice'],
  ['linux.namespaces.2.path', '/proc/1/ns/net', 'linux.namespaces[2].path'],
  ['linux.namespaces', [{ type: 'pid' }], 'linux.namespaces: crt makes no container without a mount namespace'],
  ['linux.namespaces', [{ type: 'mount' }], 'linux.namespaces: crt makes no container without a pid namespace'],
  ['linux.namespaces', [{ type: 'mount' }, { type: 'pid' }], 'hostname: there is no uts namespace'],
  ['linux.uidMappings', [{ containerID: 0 }], 'linux.uidMappings[0].hostID is missing'],
  ['linux.uidMappings', [{ containerID: 0, hostID: 2 ** 32 - 1, size: 1 }], 'linux.uidMappings[0].hostID'],
  ['linux.uidMappings', [{ containerID: 0, hostID: 1, size: 0 }], 'linux.uidMappings[0].size'],
  ['linux.uidMappings', [{ containerID: 0, hostID: 1, size: 1 }], 'linux.uidMappings: there is no user namespace to map ids for'],
  ['linux.resources.devices', {}, 'linux.resources.devices must be a list'],
  ['linux.resources.devices', [{ access: 'rwm' }], 'linux.resources.devices[0].allow is missing'],
  ['linux.resources.devices', [{ allow: 'yes' }], 'linux.resources.devices[0].allow must be true or false'],
  ['linux.resources.devices', [{ allow: true }, { allow: true, type: 'p' }], 'linux.resources.devices[1].type must be one of a, b, c'],
  ['linux.resources.devices', [{ allow: true, major: 4096 }], 'linux.resources.devices[0].major must be'],
  ['linux.resources.devices', [{ allow: true, minor: -2 }], 'linux.resources.devices[0].minor must be'],
  ['linux.resources.devices', [{ allow: true, access: '' }], 'linux.resources.devices[0].access: '],
  ['linux.resources.devices', [{ allow: true, access: 'rx' }], 'linux.resources.devices[0].access: '],
  ['linux.resources.devices', [{ allow: true, access: 'rr' }], 'linux.resources.devices[0].access: '],
  ['linux.resources.devices', [{ allow: true, path: '/dev/fuse' }], 'linux.resources.devices[0].path: crt does not know this field'],
  ['linux.resources.devices', Array(257).fill({ allow: true }), 'linux.resources.devices: 257 rules are too many'],
  ['linux.seccomp', {}, 'linux.seccomp.defaultAction is missing'],
  ['linux.seccomp', { defaultAction: 'ALLOW' }, 'linux.seccomp.defaultAction'],
  ['linux.resources.memory', { limit: -2 }, 'linux.resources.memory.limit'],
  ['linux.resources.memory', { limit: 2 ** 60 }, 'linux.resources.memory.limit'],
  ['linux.resources.memory', { swap: 5 }, 'linux.resources.memory.swap'],
  ['linux.resources.memory', { limit: 5, swap: 4 }, 'linux.resources.memory.swap'],
  ['linux.resources.memory', { disableOOMKiller: true }, 'linux.resources.memory.disableOOMKiller'],
  ['linux.resources.memory', null, 'linux.resources.memory'],
  ['linux.resources.cpu', { cpus: '3-1' }, 'linux.resources.cpu.cpus'],
  ['linux.resources.pids.limit', 1.5, 'linux.resources.pids.limit'],
  ['linux.cgroupsPath', '/../escape', 'linux.cgroupsPath'],
  ['linux.cgroupsPath', 'system.slice:crt:box', 'linux.cgroupsPath'],
  ['linux.rootfsPropagation', 'shared', 'linux.rootfsPropagation'],
  ['linux.devices.0.path', 'dev/null', 'linux.devices[0].path'],
  ['linux.devices.0.path', '/proc/x', 'linux.devices[0].path'],
  ['linux.devices.0.major', 4096, 'linux.devices[0].major'],
  ['linux.maskedPaths.0', 'proc', 'linux.maskedPaths[0]'],
  ['linux.maskedpaths', ['/proc/kcore'], 'linux.maskedpaths: crt does not know this field'],
  ['linux.sysctl', { 'kernel.core_pattern': '|/x' }, 'linux.sysctl'],
  ['linux.sysctl', { 'net/../kernel/core_pattern': '|/x' }, 'linux.sysctl'],
  ['linux.sysctl', { 'net...kernel.core_pattern': '|/x' }, 'linux.sysctl'],
  ['linux.sysctl', { 'net.x/../y': '1' }, 'linux.sysctl'],
  ['hooks', { prestart: [{ path: '/x' }] }, 'hooks: crt does not have hooks yet'],
  ['annotations', { a: 5 }, 'annotations.a'],
  ['annotations', { 'a\x1b': 5 }, String.raw`annotations["a\x1b"]`],
  ['__proto__', { hooks: 1 }, '__proto__: crt does not know this field'],
];

test('what is wrong is refused by the name of its field', (t) => {
  for (const [path, value, field] of WRONG) t.is(message(changed(path, value)).slice(0, field.length), field, path);
});

test('what asks for nothing passes, and is not in the answer', (t) => {
  for (const [path, value] of [
    ['hooks', {}],
    ['linux.seccomp', null],
    ['linux.resources.hugepageLimits', []],
    ['process.apparmorProfile', ''],
    ['linux.mountLabel', ''],
  ] as const) {
    t.deepEqual<unknown, unknown>(validateConfig(changed(path, value)), good(), path);
  }
});

test('rules of the device filter are taken as the specification and other tools write them', (t) => {
  const rules = [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: -1, minor: 3, access: 'mr' }, { allow: true }];
  t.deepEqual<unknown, unknown>(validateConfig(changed('linux.resources.devices', rules)).linux.resources?.devices, rules);
});

test('what the specification lets out may be out', (t) => {
  t.deepEqual(validateConfig(changed('mounts', undefined)).mounts, []);
  t.is(validateConfig(changed('linux.rootfsPropagation', 'rprivate')).linux.rootfsPropagation, 'private');
  t.deepEqual({ ...validateConfig(changed('linux.sysctl', { 'net.ipv4.ip_forward': '1' })).linux.sysctl }, { 'net.ipv4.ip_forward': '1' });
  t.is(message(changed('linux.devices.0', { type: 'p', path: '/dev/fifo' })), 'taken');
});

test('a setting of a namespace needs that namespace', (t) => {
  const config = changed('linux.sysctl', { 'kernel.shmmax': '1' });
  t.is(message(config), 'taken');
  (config['linux'] as Json)['namespaces'] = [{ type: 'mount' }, { type: 'pid' }, { type: 'uts' }];
  t.regex(message(config), /^linux\.sysctl: kernel\.shmmax would be the host's/);
});

test('limits beyond 2^53 survive text', (t) => {
  const config = toConfig(
    { name: 'box', ulimits: { nofile: [1, -1] } },
    { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/r', rootfsKind: 'directory' },
  );
  t.deepEqual(validateConfig(parseExactJson(stringifyExactJson(config))), config);
});

test('no value anywhere makes anything but a config or a UserError', (t) => {
  const paths = [
    ...new Set(WRONG.map(([path]) => path)),
    'process',
    'mounts',
    'linux.resources',
    'linux.resources.cpu',
    'process.capabilities',
    'process.consoleSize',
    'annotations',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.anything({ withBigInt: true, withNullPrototype: true }), (path, value) => {
      t.notRegex(message(changed(path, value)), /^not a UserError/);
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.anything(), (value) => void t.notRegex(message(value), /^not a UserError/)));
});
