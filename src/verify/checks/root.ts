import { holdingMount, type MountEntry } from '../../host/mounts.js';
import * as defaults from '../../spec/defaults.js';
import { type Evidence, wordsOf } from '../evidence.js';
import { isReadOnly, matchMounts, problemsOf } from '../expected-mounts.js';
import { fail, pass, type Seen, weaker } from '../finding.js';

/** File systems whose superblock is shared by design: what is seen is bound by a namespace, or by a mount's own root. */
const SHARED = new Set(['cgroup', 'cgroup2', 'sysfs', 'mqueue']);

/** The root is the container's own: an overlay, or, where that was asked for, the directory itself; never the host's. */
export function root({ mounts, facts, config, ...evidence }: Evidence): readonly Seen[] {
  const top = mounts.find(({ mountpoint }) => mountpoint === '/');
  if (top === undefined) return [fail('no root is mounted', 'a root of its own')];
  const observed = `${top.fstype}, ${top.options.join(',')}`;
  const host = holdingMount('/', facts.mounts);
  if (top.device === host?.device && top.root === host.root) return [fail(`the host's own root: ${observed}`, 'a root of its own')];
  if (!top.options.includes('nodev')) return [fail(observed, 'nodev: no device of an image works')];
  if (config.root.readonly && !isReadOnly(top)) return [fail(observed, 'ro, as asked')];
  const isHosts = facts.mounts.some(({ device }) => device === top.device);
  if (!isHosts) return [pass(`${observed}, above ${evidence.record.rootfs}`)];
  if (isReadOnly(top)) return [pass(`${observed}, the rootfs itself`)];
  const words = wordsOf({ mounts, facts, config, ...evidence }, 'writable-rootfs');
  return [weaker(`the rootfs itself, writable: ${config.root.path}`, 'a layer that takes the writes', words)];
}

/** The mount table is the config's: nothing missing, nothing more, each as restricted as asked. */
export function mountTable(evidence: Evidence): readonly Seen[] {
  const { matched, missing } = matchMounts(evidence);
  const problems = matched.flatMap(({ mount, expected }) => {
    if (expected === undefined) return [unexpected(mount, evidence)];
    const wrong = problemsOf(mount, expected);
    return wrong.length === 0 ? [] : [fail(describe(mount), `${expected.what}: ${wrong.join(', ')}`)];
  });
  const lost = missing.map(({ target, what }) => fail(`nothing is mounted at ${target}`, what));
  const seen = [...problems, ...lost, ...weakerThanDefaults(evidence)];
  if (seen.some(({ verdict }) => verdict === 'fail')) return seen;
  return [pass(`${evidence.mounts.length} mounts, each is the config's or crt's, and as restricted as asked`), ...seen];
}

/** Somebody inside can mount only with a right that a flag gave. */
function unexpected(mount: MountEntry, evidence: Evidence): Seen {
  const words = wordsOf(evidence, 'privileged', 'cap-add=CAP_SYS_ADMIN', 'cap-add=ALL', 'seccomp=unconfined');
  const isFresh = !evidence.facts.mounts.some(({ device }) => device === mount.device);
  const observed = `${describe(mount)}, which nobody asked for`;
  return weaker(observed, 'no mount but those of the config', isFresh ? words : words.filter((word) => word === 'privileged'));
}

/** A config that lost a restriction of the defaults. */
function weakerThanDefaults(evidence: Evidence): readonly Seen[] {
  return defaults.DEFAULT_MOUNTS.flatMap(({ destination, options = [] }) => {
    const own = evidence.config.mounts.filter((mount) => mount.destination === destination).at(-1);
    const lost = ['ro', 'nosuid', 'nodev', 'noexec'].filter((option) => options.includes(option) && !own?.options?.includes(option));
    if (own === undefined || own.type === 'bind' || lost.length === 0) return [];
    return [weaker(`${destination} is without ${lost.join(', ')}`, 'the defaults', wordsOf(evidence, 'privileged'))];
  });
}

/** Of the host's own file systems only what the config names is shown. */
export function hostFiles(evidence: Evidence): readonly Seen[] {
  const host = new Map(evidence.facts.mounts.filter(({ fstype }) => !SHARED.has(fstype)).map((mount) => [mount.device, mount]));
  const shown = matchMounts(evidence).matched.filter(({ mount }) => mount.mountpoint !== '/' && host.has(mount.device));
  const wrong = shown.flatMap(({ mount, expected }) => {
    if (expected?.source !== undefined)
      return isOfSource(mount, expected.source, evidence) ? [] : [fail(describe(mount), `${expected.source} of the host`)];
    if (expected?.root?.test(mount.root) && expected.what === 'a mask') return [];
    return [fail(`${describe(mount)}: a file system of the host`, 'only what the config names')];
  });
  if (wrong.length > 0) return wrong;
  const named = shown.flatMap(({ expected }) => (expected?.source === undefined ? [] : [expected.source]));
  return [pass(named.length === 0 ? 'nothing is shown' : `shown is what was asked for: ${[...new Set(named)].join(', ')}`)];
}

/** The source as the host finds it, by its mount table alone: `/srv/data` on a disk at /srv is `/data` of that disk. */
function isOfSource(mount: MountEntry, source: string, { facts, config, sources }: Evidence): boolean {
  // What came with a recursive bind: another file system, at a place of its own.
  if (config.mounts.some((one) => one.source === source && mount.mountpoint.startsWith(`${one.destination}/`))) return true;
  const real = sources.get(source) ?? source;
  const holder = holdingMount(real, facts.mounts);
  if (holder === undefined || holder.device !== mount.device) return false;
  const rest = holder.mountpoint === '/' ? real : real.slice(holder.mountpoint.length);
  const path = `${holder.root === '/' ? '' : holder.root}${rest === '/' ? '' : rest}` || '/';
  return mount.root === path || mount.root === `${path}//deleted`;
}

export function describe({ mountpoint, fstype, root: shown, options }: MountEntry): string {
  return `${mountpoint} is ${fstype}${shown === '/' ? '' : ` ${shown}`}, ${options.join(',')}`;
}
