import { dirname } from 'node:path';
import type { MountEntry } from '../host/mounts.js';
import { isBind } from '../plan/mounts.js';
import type { Mount } from '../spec/types.js';
import type { Evidence } from './evidence.js';

/** A mount that the config, or crt itself, has put there. */
export interface ExpectedMount {
  readonly target: string;
  /** What it is, for people. */
  readonly what: string;
  /** Of a bind from the host: its source. */
  readonly source?: string;
  readonly fstypes: readonly string[] | undefined;
  /** `ro`, `nosuid`, `nodev`, `noexec`: these at least. */
  readonly restrictions: readonly string[];
  /** Not there is no failure: the kernel or the image may not have the place. */
  readonly optional: boolean;
  /** The folder of its file system that it has to show. */
  readonly root?: RegExp;
}

const RESTRICTING = ['ro', 'nosuid', 'nodev', 'noexec'];
const CGROUP_RESTRICTIONS = ['ro', 'nosuid', 'nodev', 'noexec'];
const LOCKED =
  /^\/proc\/(acpi|asound|bus|fs|interrupts|irq|kcore|keys|latency_stats|sched_debug|scsi|sys|sysrq-trigger|timer_list|timer_stats)/;

/** Files that crt provides, from its own staging area. */
const PROVIDED = ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf'];
/** The host's null device, and crt's empty folder. */
export const MASK = /^\/(null|empty)$/;

/** All that may be mounted in this container, parents first. */
export function expectedMounts(evidence: Evidence): readonly ExpectedMount[] {
  const { config } = evidence;
  const { maskedPaths = [], readonlyPaths = [] } = config.linux;
  return [
    {
      target: '/',
      what: 'the root',
      fstypes: undefined,
      restrictions: ['nodev', ...(config.root.readonly ? ['ro'] : [])],
      optional: false,
    },
    ...PROVIDED.map((target) => ({
      target,
      what: 'a file of crt',
      fstypes: ['tmpfs'],
      restrictions: [],
      optional: true,
      root: /^\/file-\d+$/,
    })),
    ...config.mounts.flatMap((mount) => expectMount(mount, evidence)),
    ...(config.process.terminal
      ? [{ target: '/dev/console', what: 'its terminal', fstypes: ['devpts'], restrictions: [], optional: true }]
      : []),
    ...maskedPaths.map((target) => ({
      ...{ target, what: 'a mask', fstypes: undefined, restrictions: ['ro'], root: MASK },
      optional: true,
    })),
    ...readonlyPaths.map((target) => ({ target, what: 'a read-only path', fstypes: undefined, restrictions: ['ro'], optional: true })),
  ];
}

function expectMount(mount: Mount, evidence: Evidence): readonly ExpectedMount[] {
  const { destination: target, source, type } = mount;
  const restrictions = RESTRICTING.filter((option) => mount.options?.some((given) => given === option || given === `r${option}`));
  if (type === 'cgroup') return expectCgroups(target, evidence);
  if (isBind(mount))
    return [{ target, what: `a bind of ${source}`, source: source ?? '', fstypes: undefined, restrictions, optional: false }];
  return [
    { target, what: `a ${type ?? 'mount'}`, fstypes: type === undefined ? undefined : [type], restrictions, optional: false, root: /^\/$/ },
  ];
}

/** Version 1 has a mount for each hierarchy in a tmpfs, version 2 a single one; each shows the container's own cgroup. */
function expectCgroups(target: string, { facts, name, directories }: Evidence): readonly ExpectedMount[] {
  const own = new RegExp(`(^|/)${name.replace(/[.]/g, '\\.')}$`);
  const cgroup = { what: 'its cgroup', restrictions: CGROUP_RESTRICTIONS, root: own };
  if (facts.cgroup.mode === 'v2') return [{ ...cgroup, target, fstypes: ['cgroup2'], optional: false }];
  const hierarchies = directories.map(({ path }) => dirname(path).split('/').at(-1) ?? '');
  return [
    { target, what: 'room for its cgroups', fstypes: ['tmpfs'], restrictions: CGROUP_RESTRICTIONS, optional: false },
    ...hierarchies.flatMap((hierarchy) =>
      [`${target}/${hierarchy}`, `${target}/${hierarchy}/${name}`].map((at) => ({
        ...cgroup,
        target: at,
        fstypes: ['cgroup'],
        optional: true,
      })),
    ),
  ];
}

export interface Matched {
  readonly mount: MountEntry;
  readonly expected: ExpectedMount | undefined;
}

/** Which mount is which of those expected. A link of the image may have led one elsewhere: then it is told by what it shows. */
export function matchMounts(evidence: Evidence): { readonly matched: readonly Matched[]; readonly missing: readonly ExpectedMount[] } {
  const all = expectedMounts(evidence);
  const open = new Set(all);
  const take = (found: ExpectedMount | undefined): ExpectedMount | undefined => {
    if (found !== undefined) open.delete(found);
    return found;
  };
  const top = new Map(evidence.mounts.map((mount) => [mount.mountpoint, mount.id]));
  const exact = evidence.mounts.map((mount) => {
    const carried = belowBind(mount, all);
    const isCandidate = (one: ExpectedMount): boolean =>
      one.target === mount.mountpoint &&
      (carried === undefined || (top.get(mount.mountpoint) === mount.id && problemsOf(mount, one).length === 0));
    return { mount, expected: take([...open].find(isCandidate)) ?? carried };
  });
  const matched = exact.map(({ mount, expected }) => ({
    mount,
    expected: expected ?? take([...open].find((one) => !one.optional && isMoved(mount, one))),
  }));
  return { matched, missing: [...open].filter(({ optional }) => !optional) };
}

/** In what a mount is not as expected; empty when it is. */
export function problemsOf(mount: MountEntry, { fstypes, root, source, what, restrictions }: ExpectedMount): readonly string[] {
  return [
    ...(fstypes && !fstypes.includes(mount.fstype) ? [fstypes.join(' or ')] : []),
    ...(root && source === undefined && !root.test(mount.root) ? [`no other folder than that of ${what}`] : []),
    ...restrictions.filter((option) => !(option === 'ro' ? isReadOnly(mount) : mount.options.includes(option))),
  ];
}

export function isReadOnly({ options, superOptions }: MountEntry): boolean {
  return options.includes('ro') || superOptions.includes('ro');
}

/** What is mounted below the source of a bind comes with it, with the same restrictions. */
function belowBind({ mountpoint }: MountEntry, all: readonly ExpectedMount[]): ExpectedMount | undefined {
  const bind = all.find(({ source, target }) => source !== undefined && mountpoint.startsWith(`${target}/`));
  return LOCKED.test(mountpoint) ? undefined : bind;
}

function isMoved(mount: MountEntry, { source, fstypes }: ExpectedMount): boolean {
  if (source !== undefined) return mount.root === source || source.endsWith(mount.root);
  return fstypes?.includes(mount.fstype) === true && mount.fstype === 'tmpfs' && mount.root === '/';
}
