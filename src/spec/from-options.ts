import { BugError, UserError } from '../errors.js';
import type { RunOptions } from '../options.js';
import { toCapabilities } from './cap-flags.js';
import { CAPABILITIES, capabilityMask } from './capabilities.js';
import { checkOptions } from './check-options.js';
import { CPU_PERIOD, checkCpus, cpuQuota } from './cpus.js';
import * as defaults from './defaults.js';
import { type HostDevice, toDeviceRules, toDevices } from './device-flag.js';
import { contextOf } from './lsm.js';
import { toMasks } from './masks.js';
import { mergeMounts, toMounts } from './mounts.js';
import { RLIM_INFINITY } from './rlimits.js';
import type { Config, IdMapping, Linux, Mount, Process, Resources, Rlimit, User } from './types.js';
import { checkUser } from './user.js';

/** What the config takes from outside the options. HostFacts is one of these. */
export interface ConfigContext {
  readonly facts: {
    /** Processors of the machine. */
    readonly cpus: number;
    /** The supervisor's own, −1000 to 1000. */
    readonly oomScoreAdj: number;
    /** Those that the supervisor itself has, bit n for capability n; left out: all. */
    readonly capabilities?: bigint;
  };
  /** Absolute path on the host. */
  readonly rootfs: string;
  /** `host`: the machine's own files under fresh folders, never to be written. */
  readonly rootfsKind: 'directory' | 'host';
  /** The first of the host's ids that stand for 0 to 65535 inside; without it there is no user namespace. */
  readonly ids?: number;
  /** Mounts that crt provides beside the defaults, for example /etc/hosts; one of the options at the same place wins. */
  readonly extraMounts?: readonly Mount[];
  /** What is at each `devices[n].source`, in the same order. */
  readonly hostDevices?: readonly HostDevice[];
}

/**
 * The OCI config that the options ask for: the defaults of docs/security.md, changed by nothing but the options.
 * An empty `process.args` means `/bin/bash`, else `/bin/sh`.
 * @throws UserError that begins with the field's name, for options that are wrong in type, range or together.
 */
export function toConfig(options: RunOptions, context: ConfigContext): Config {
  const checked = checkOptions(options);
  if (!context.rootfs.startsWith('/')) throw new BugError(`the rootfs is not an absolute path: ${context.rootfs}`);
  if (checked.writableRootfs && context.rootfsKind === 'host') {
    throw new UserError("writableRootfs: the rootfs is the machine's own files, which crt never writes", {
      hint: 'name a rootfs: --rootfs DIR',
    });
  }
  const hostname = checked.hostname ?? checked.name;
  return {
    ociVersion: '1.2.0',
    root: { path: context.rootfs, readonly: checked.readOnly ?? false },
    hostname,
    mounts: mergeMounts(
      defaultMounts(checked, context.ids),
      mapped(context.extraMounts ?? [], context.ids),
      mapped(toMounts(checked.mounts ?? []), context.ids),
    ),
    process: toProcess(checked, hostname, context),
    linux: {
      ...toNamespaces(checked, context.ids),
      devices: toDevices(checked.devices ?? [], context.hostDevices ?? []),
      cgroupsPath: `/${checked.name}`,
      resources: toResources(checked, context),
      ...toMasks(checked.securityOpt ?? {}, checked.privileged ?? false, context.facts.cpus),
    },
  };
}

function toNamespaces({ network }: RunOptions, ids: number | undefined): Pick<Linux, 'namespaces' | 'uidMappings' | 'gidMappings'> {
  const wanted = defaults.DEFAULT_NAMESPACES.filter(({ type }) => type !== 'network' || network !== 'host');
  const namespaces = wanted.map((namespace) => ({ ...namespace }));
  if (ids === undefined) return { namespaces };
  const mapping = (): IdMapping[] => [{ containerID: 0, hostID: ids, size: defaults.IDS }];
  return { namespaces: [{ type: 'user' }, ...namespaces], uidMappings: mapping(), gidMappings: mapping() };
}

/** With `privileged` sysfs can be written; the cgroups stay read-only, or the limits would be no limits. */
function defaultMounts({ privileged, network }: RunOptions, ids: number | undefined): readonly Mount[] {
  return defaults.DEFAULT_MOUNTS.map((mount) => {
    if (mount.destination !== '/sys') return mount;
    const options = mount.options ?? [];
    if (privileged) return { ...mount, options: options.filter((option) => option !== 'ro') };
    // The kernel shows a user namespace the sysfs of its own network only (sysfs(5)): of the host's, the host's own view.
    if (network === 'host' && ids !== undefined)
      return { ...mount, type: 'bind', source: '/sys', options: ['rbind', 'rprivate', ...options] };
    return mount;
  });
}

/** Files of the host show their owners inside (config.md, mount option `ridmap`). */
function mapped(mounts: readonly Mount[], ids: number | undefined): readonly Mount[] {
  if (ids === undefined) return mounts;
  return mounts.map((mount) => (mount.type === 'bind' ? { ...mount, options: [...(mount.options ?? []), 'ridmap'] } : mount));
}

function toProcess(options: RunOptions, hostname: string, context: ConfigContext): Process {
  const { tty = false, securityOpt = {} } = options;
  const { apparmor = 'unconfined' } = securityOpt;
  const selinuxLabel = contextOf(securityOpt.label);
  return {
    terminal: tty !== false,
    ...(typeof tty === 'object' ? { consoleSize: { height: tty.rows, width: tty.columns } } : {}),
    cwd: options.cwd ?? '/',
    env: toEnv(options, hostname),
    args: [...(options.command ?? [])],
    user: { ...toUser(options.user), ...(options.groupAdd === undefined ? {} : { additionalGids: [...options.groupAdd] }) },
    rlimits: toRlimits(options),
    capabilities: toCapabilities(options, context.facts.capabilities ?? capabilityMask(CAPABILITIES)),
    noNewPrivileges: securityOpt.noNewPrivileges ?? true,
    // Never harder to kill than the supervisor, and never below the usual 0: a service that is protected must not lend that.
    oomScoreAdj: Math.max(0, context.facts.oomScoreAdj),
    ...(apparmor === 'unconfined' ? {} : { apparmorProfile: apparmor }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
  };
}

/** In a map: an object would lose a variable called `__proto__`. */
function toEnv(options: RunOptions, hostname: string): string[] {
  const own = Object.entries(options.env ?? {});
  const variables = new Map([...Object.entries(defaults.defaultEnv(hostname, Boolean(options.tty))), ...own]);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function toUser(text: string | undefined): User {
  if (text === undefined) return { uid: 0, gid: 0, umask: defaults.DEFAULT_UMASK };
  // A number alone still has a group in the passwd file inside: the helper looks it up by username.
  const { uid, gid } = checkUser(text);
  return { uid: uid ?? 0, gid: gid ?? 0, umask: defaults.DEFAULT_UMASK, username: text };
}

function toRlimits({ ulimits = {} }: RunOptions): Rlimit[] {
  const limits = new Map(defaults.DEFAULT_RLIMITS.map((limit) => [limit.type, { ...limit }]));
  const amount = (value: number): number | bigint => (value === -1 ? RLIM_INFINITY : value);
  for (const [name, [soft, hard]] of Object.entries(ulimits)) {
    const type = `RLIMIT_${name.toUpperCase()}`;
    limits.set(type, { type, soft: amount(soft), hard: amount(hard) });
  }
  return [...limits.values()];
}

/** The options that `crt update` can change. */
export type LimitOptions = Pick<RunOptions, 'memory' | 'memorySwap' | 'cpus' | 'cpuShares' | 'cpusetCpus' | 'pidsLimit'>;

function toResources(options: RunOptions, context: ConfigContext): Resources {
  const devices = toDeviceRules(options.devices ?? [], context.hostDevices ?? []);
  return {
    ...toLimits(options, context.facts.cpus),
    pids: { limit: options.pidsLimit ?? defaults.DEFAULT_PIDS_LIMIT },
    devices: options.privileged ? [{ allow: true, access: 'rwm' }] : [...defaults.deviceRules(), ...devices],
  };
}

/** The limits that are asked for, of checked options, and no others. @param available processors of the machine @throws UserError */
export function toLimits(options: LimitOptions, available: number): Resources {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pidsLimit } = options;
  const cpu = {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(cpus === undefined ? {} : { quota: cpuQuota(checkCpus(cpus, available)), period: CPU_PERIOD }),
    ...(cpusetCpus === undefined ? {} : { cpus: cpusetCpus }),
  };
  return {
    // Memory and swap equal: no swap, or the limit would only slow a container down.
    ...(memory === undefined ? {} : { memory: { limit: memory, swap: memorySwap ?? memory } }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  };
}
