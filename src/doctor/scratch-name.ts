import { randomName } from '../state/file.js';
import { ownIdentity } from '../state/lock.js';

/** The first part of every name that a check gives to what it makes: the next doctor removes it should we be killed. */
export const SCRATCH = 'crt-doctor';
const PATTERN = new RegExp(`^${SCRATCH}-(\\d{1,7})-([0-9a-z]{1,10})-`);

/** Of state/temporary.ts. */
const FOLDER = new RegExp(`^\\.${SCRATCH}[^.]*\\.(\\d{1,7})-(\\d{1,15})\\.[0-9a-f]{16}$`);

/** Whose it is: a pid alone is reused. */
export interface Maker {
  readonly pid: number;
  readonly startTime: number;
}

/** `crt-doctor-PID-STARTTIME-SUFFIX-RANDOM`, unique to this call. */
export function scratchName(suffix: string): string {
  const { pid, startTime } = ownIdentity();
  return `${SCRATCH}-${pid}-${startTime.toString(36)}-${suffix}-${randomName().slice(0, 8)}`;
}

/** The doctor that gave this name; undefined for any other name. */
export function makerOf(name: string): Maker | undefined {
  const [, pid, ticks] = PATTERN.exec(name) ?? [];
  return pid === undefined || ticks === undefined ? undefined : { pid: Number(pid), startTime: Number.parseInt(ticks, 36) };
}

/** The same for a folder that was being filled, or that stands for a root. */
export function makerOfFolder(name: string): Maker | undefined {
  const [, pid, ticks] = FOLDER.exec(name) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), startTime: Number(ticks) };
}
