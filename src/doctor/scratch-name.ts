import type { ProcessIdentity } from '../host/process.js';
import { randomName } from '../state/file.js';
import { ownIdentity } from '../state/lock.js';
import { temporaryOwner } from '../state/temporary.js';

/** The first part of every name that a check gives to what it makes: the next doctor removes it should we be killed. */
export const SCRATCH = 'crt-doctor';
const PATTERN = new RegExp(`^${SCRATCH}-(\\d{1,7})-([0-9a-z]{1,10})(?:_([0-9a-z]{1,8}))?-`);

/** Whose it is, in this boot: a pid alone is reused. */
export type Maker = Omit<ProcessIdentity, 'bootId'>;

/** `crt-doctor-PID-STARTTIME-SUFFIX-RANDOM`, unique to this call; after STARTTIME `_` and the pid namespace unless it is the first. */
export function scratchName(suffix: string): string {
  const { pid, startTime, pidNamespace } = ownIdentity();
  const namespace = pidNamespace === undefined ? '' : `_${pidNamespace.toString(36)}`;
  return `${SCRATCH}-${pid}-${startTime.toString(36)}${namespace}-${suffix}-${randomName().slice(0, 8)}`;
}

/** The doctor that gave this name; undefined for any other name. */
export function makerOf(name: string): Maker | undefined {
  const [, pid, ticks, namespace] = PATTERN.exec(name) ?? [];
  if (pid === undefined || ticks === undefined) return undefined;
  const known = namespace === undefined ? {} : { pidNamespace: Number.parseInt(namespace, 36) };
  return { pid: Number(pid), startTime: Number.parseInt(ticks, 36), ...known };
}

/** The same for a folder that was being filled, or that stands for a root. */
export function makerOfFolder(name: string): Maker | undefined {
  const found = temporaryOwner(name);
  return found?.name.startsWith(SCRATCH) ? found.owner : undefined;
}
