import { UserError } from '../errors.js';
import { checkCpuset } from './cpus.js';
import { checkAbsolute, checkNotProc } from './mount-target.js';
import { quote } from './quote.js';
import { dictionary, exact, list, oneOf, optional, type Reader, record, required, text, toggle, whole } from './schema.js';
import type { Device, DeviceRule, IdMapping, Linux, Namespace, NamespaceType, Resources } from './types.js';
import { LAST_ID } from './user.js';
import { SECCOMP } from './validate-seccomp.js';

const MOST = Number.MAX_SAFE_INTEGER;

const NAMESPACE_TYPES = ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup', 'user', 'time'] as const satisfies readonly NamespaceType[];

const namespace: Reader<Namespace> = (value, path) => {
  const checked = record<Namespace>({ type: required(oneOf(...NAMESPACE_TYPES)), path: optional(text) })(value, path);
  if (checked.path)
    throw new UserError(`${path}.path: crt does not join namespaces that exist yet`, { hint: 'leave path out for a new one' });
  if (checked.type === 'time') {
    throw new UserError(`${path}.type: crt does not have ${checked.type} namespaces yet`, {
      hint: 'leave it out; nothing is ever ignored silently',
    });
  }
  return { type: checked.type };
};

const namespaces: Reader<Namespace[]> = (value, path) => {
  const checked = list(namespace)(value, path);
  for (const [at, { type }] of checked.entries()) {
    if (checked.findIndex((other) => other.type === type) < at)
      throw new UserError(`${path}[${at}].type: ${type} is there twice`, { hint: 'leave one of them out' });
  }
  // Without the first, pivot_root(2) would act on the host; without the second, the end of init would not end the rest.
  for (const type of ['mount', 'pid'] as const) {
    if (!checked.some((other) => other.type === type))
      throw new UserError(`${path}: crt makes no container without a ${type} namespace`, { hint: `add {"type": "${type}"}` });
  }
  return checked;
};

const deviceFields = record<Device>({
  type: required(oneOf('c', 'b', 'u', 'p')),
  path: required(checkAbsolute),
  // 12 and 20 bits, makedev(3) as the kernel keeps them.
  major: required(whole(0, 0xfff)),
  minor: required(whole(0, 0xfffff)),
  fileMode: optional(whole(0, 0o7777, 'permission bits')),
  uid: optional(whole(0, LAST_ID, 'an id')),
  gid: optional(whole(0, LAST_ID, 'an id')),
});

const device: Reader<Device> = (value, path) => {
  // A FIFO has no numbers.
  const isFifo = typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'p';
  const checked = deviceFields(isFifo ? { major: 0, minor: 0, ...value } : value, path);
  checkNotProc(checked.path, `${path}.path`);
  return checked;
};

/** -1 is unlimited; the kernel's counters are signed. */
const bytes = exact(-1n, 2n ** 63n - 1n);
const processors: Reader<string> = (value, path) => (value === '' ? '' : checkCpuset(text(value, path), path));

const memoryFields = record<NonNullable<Resources['memory']>>(
  { limit: optional(bytes), swap: optional(bytes) },
  {
    reservation: 'memory reservations',
    kernel: 'kernel memory limits',
    kernelTCP: 'kernel memory limits',
    swappiness: 'swappiness',
    disableOOMKiller: 'a switch for the OOM killer',
    useHierarchy: 'a switch for hierarchical accounting',
    checkBeforeUpdate: 'checks before an update of limits',
  },
);

const memory: Reader<NonNullable<Resources['memory']>> = (value, path) => {
  const checked = memoryFields(value, path);
  const { limit, swap } = checked;
  if (swap === undefined || swap <= 0) return checked;
  if (limit === undefined || limit <= 0)
    throw new UserError(`${path}.swap: there is no memory limit to add swap to`, { hint: `give ${path}.limit too` });
  if (swap < limit)
    throw new UserError(`${path}.swap: ${swap} is less than the limit, ${limit}`, { hint: 'it counts memory and swap together' });
  return checked;
};

const cpu = record<NonNullable<Resources['cpu']>>(
  {
    shares: optional(whole(0, 262_144)),
    quota: optional(whole(-1, MOST, 'microseconds, a whole number')),
    period: optional(whole(0, 1_000_000, 'microseconds, a whole number')),
    cpus: optional(processors),
    mems: optional(processors),
  },
  {
    burst: 'CPU bursts',
    idle: 'idle cgroups',
    realtimeRuntime: 'real-time scheduling limits',
    realtimePeriod: 'real-time scheduling limits',
  },
);

const access: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (/^[rwm]+$/.test(given) && new Set(given).size === given.length) return given;
  throw new UserError(`${path}: ${quote(given)} is not a text of the letters r, w and m`, {
    hint: 'for example rwm, or leave it out for all',
  });
};

const deviceRule = record<DeviceRule>({
  allow: required(toggle),
  type: optional(oneOf('a', 'b', 'c')),
  major: optional(whole(-1, 0xfff)),
  minor: optional(whole(-1, 0xfffff)),
  access: optional(access),
});

/** More would be refused by the kernel, which follows every way through the filter before it takes it. */
const MOST_RULES = 256;
const deviceFilter: Reader<DeviceRule[]> = (value, path) => {
  const rules = list(deviceRule)(value, path);
  if (rules.length <= MOST_RULES) return rules;
  throw new UserError(`${path}: ${rules.length} rules are too many`, { hint: `give at most ${MOST_RULES}` });
};

const resources = record<Resources>(
  {
    memory: optional(memory),
    cpu: optional(cpu),
    pids: optional(record<{ limit: number }>({ limit: required(whole(-1, MOST)) })),
    devices: optional(deviceFilter),
  },
  {
    blockIO: 'limits on block devices',
    hugepageLimits: 'limits on huge pages',
    network: 'network priorities',
    rdma: 'RDMA limits',
    unified: 'cgroup v2 files by name',
  },
);

/** Which settings of /proc/sys belong to one namespace; any other would be the whole host's. */
const SYSCTLS: readonly (readonly [pattern: RegExp, needs: NamespaceType])[] = [
  [/^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/, 'ipc'],
  [/^fs\.mqueue\.[a-z_]+$/, 'ipc'],
  [/^net(\.[A-Za-z0-9_-]+)+$/, 'network'],
];

function checkSysctls(sysctl: Readonly<Record<string, string>>, has: ReadonlySet<NamespaceType>): void {
  for (const key of Object.keys(sysctl)) {
    const needs = SYSCTLS.find(([pattern]) => pattern.test(key))?.[1];
    if (needs === undefined)
      throw new UserError(`linux.sysctl: ${quote(key)} is not a setting of a container's own`, {
        hint: 'net.*, fs.mqueue.*, kernel.msg*, kernel.shm*, kernel.sem',
      });
    if (!has.has(needs))
      throw new UserError(`linux.sysctl: ${key} would be the host's: there is no ${needs} namespace`, {
        hint: `add {"type": "${needs}"} to linux.namespaces`,
      });
  }
}

const cgroupsPath: Reader<string> = (value, path) => {
  const given = text(value, path);
  const isPlain =
    given.startsWith('/') &&
    given
      .split('/')
      .slice(1)
      .every((part) => /^[^\s]+$/.test(part) && part !== '.' && part !== '..');
  if (isPlain) return given;
  const hint = given.includes(':') ? 'crt does not have systemd cgroups yet' : 'for example /box';
  throw new UserError(`${path}: ${quote(given)} is not an absolute path of plain parts`, { hint });
};

const propagation: Reader<'private'> = (value, path) => {
  if (value === 'private' || value === 'rprivate') return 'private';
  throw new UserError(`${path}: crt does not have a root of other propagation than private yet`, { hint: 'leave it out' });
};

const ID = whole(0, 2 ** 32 - 2);
const mapping: Reader<IdMapping> = record<IdMapping>({
  containerID: required(ID),
  hostID: required(ID),
  size: required(whole(1, 2 ** 32 - 1)),
});

const linux: Reader<Linux> = record<Linux>(
  {
    namespaces: required(namespaces),
    uidMappings: optional(list(mapping)),
    gidMappings: optional(list(mapping)),
    devices: optional(list(device)),
    cgroupsPath: optional(cgroupsPath),
    resources: optional(resources),
    sysctl: optional(dictionary(text)),
    maskedPaths: optional(list(checkAbsolute)),
    readonlyPaths: optional(list(checkAbsolute)),
    rootfsPropagation: optional(propagation),
    seccomp: optional(SECCOMP),
  },
  {
    mountLabel: 'SELinux labels',
    intelRdt: 'cache and bandwidth limits (resctrl)',
    personality: 'execution domains',
    timeOffsets: 'time namespaces',
    netDevices: 'network devices moved inside',
    memoryPolicy: 'memory policies',
  },
);

/** Root must stand for somebody: crt makes mounts and files as user 0 of the namespace. */
function checkMappings({ namespaces: spaces, uidMappings = [], gidMappings = [] }: Linux, path: string): void {
  const isUser = spaces.some(({ type }) => type === 'user');
  for (const [name, mappings] of Object.entries({ uidMappings, gidMappings })) {
    if (!isUser && mappings.length > 0)
      throw new UserError(`${path}.${name}: there is no user namespace to map ids for`, {
        hint: 'add {"type": "user"} to linux.namespaces',
      });
    if (isUser && !mappings.some(({ containerID }) => containerID === 0))
      throw new UserError(`${path}.${name}: no id of the host stands for 0`, { hint: 'map containerID 0' });
  }
}

/** Engines write null where there is no filter. */
function withoutEmptySeccomp(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'seccomp') === null ? { ...value, seccomp: undefined } : value;
}

/** `linux` of config-linux.md. */
export const LINUX: Reader<Linux> = (value, path) => {
  const checked = linux(withoutEmptySeccomp(value), path);
  checkMappings(checked, path);
  checkSysctls(checked.sysctl ?? {}, new Set(checked.namespaces.map((space) => space.type)));
  return checked;
};
