import { isAbsolute } from 'node:path';
import { UserError } from '../errors.js';
import type { MountOption } from '../options.js';
import { checkPathText, checkTarget } from './mount-target.js';
import { quote, show } from './quote.js';
import type { Mount } from './types.js';

/** No bind goes without these: a setuid file or a device of the host must not work inside. */
const BIND = ['rbind', 'rprivate', 'nosuid', 'nodev'];
const TMPFS = ['nosuid', 'nodev', 'noexec'];

/**
 * RunOptions.mounts, their fields checked, as mounts of the specification, in order.
 * @throws UserError that names `mounts[n]`, also for two mounts at one place: the second would hide the first.
 */
export function toMounts(options: readonly MountOption[]): Mount[] {
  const mounts = options.map((option, at) => toMount(option, `mounts[${at}]`));
  const seen = new Map<string, number>();
  for (const [at, { destination }] of mounts.entries()) {
    const first = seen.get(destination);
    if (first === undefined) seen.set(destination, at);
    else
      throw new UserError(`mounts[${at}]: ${quote(destination)} is the place of mounts[${first}] already`, {
        hint: 'one place, one mount: leave one out',
      });
  }
  return mounts;
}

/**
 * All mounts in the order to make them. A later group replaces a mount of an earlier one at the same place (a person's
 * /dev/shm or /etc/hosts wins); what is not a default is sorted by depth, or a folder would hide what was mounted below it.
 */
export function mergeMounts(defaults: readonly Mount[], extra: readonly Mount[], own: readonly Mount[]): Mount[] {
  const depth = ({ destination }: Mount): number => destination.split('/').length;
  const added = [...without(extra, own), ...own].sort((a, b) => depth(a) - depth(b));
  return [...without(defaults, added), ...added].map((mount) => ({ ...mount, ...(mount.options && { options: [...mount.options] }) }));
}

function without(mounts: readonly Mount[], replaced: readonly Mount[]): Mount[] {
  const places = new Set(replaced.map((mount) => mount.destination));
  return mounts.filter((mount) => !places.has(mount.destination));
}

function toMount(option: MountOption, what: string): Mount {
  const destination = checkTarget(option.target, `${what}.target`);
  return option.type === 'tmpfs' ? toTmpfs(option, what, destination) : toBind(option, what, destination);
}

function toTmpfs({ source, readonly, size, mode = 0o1777 }: MountOption, what: string, destination: string): Mount {
  if (source !== undefined) throw new UserError(`${what}.source: a tmpfs has none`, { hint: 'leave it out, or make it a bind' });
  const limit = size === undefined ? [] : [`size=${size}`];
  return {
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...TMPFS, ...(readonly ? ['ro'] : []), `mode=${mode.toString(8)}`, ...limit],
  };
}

function toBind({ source, readonly, size, mode }: MountOption, what: string, destination: string): Mount {
  if (size !== undefined || mode !== undefined)
    throw new UserError(`${what}: a bind has no size and no mode`, { hint: 'those are of a tmpfs' });
  if (source === undefined || !isAbsolute(source)) {
    throw new UserError(`${what}.source: ${show(source)} is not an absolute path`, {
      hint: 'a file or folder of the host, for example path.resolve("data")',
    });
  }
  checkPathText(source, `${what}.source`);
  return { destination, type: 'bind', source, options: [...BIND, ...(readonly ? ['ro'] : [])] };
}
