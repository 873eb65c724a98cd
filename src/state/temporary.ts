import { readdirSync } from 'node:fs';
import { isAlive, type ProcessIdentity } from '../host/process.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { codeOf } from './failure.js';
import { randomName, removeFolder } from './file.js';
import type { Roots } from './roots.js';

/*
 * `.NAME.PID-STARTTIME.RANDOM` is a state folder that is being filled, or one that is being thrown away; nothing outside it belongs
 * to it. After STARTTIME come a `-` and the pid namespace, unless that is the first. The owner stands in the name, so that a process
 * killed right after mkdir(2) leaves nothing that cannot be judged.
 */
const PATTERN = /^\.(.+)\.(\d{1,7})-(\d{1,15})(?:-(\d{1,15}))?\.[0-9a-f]{16}$/;

/** A fresh name for a temporary state folder of this process. */
export function temporaryPath(roots: Roots, name: string, owner: ProcessIdentity): HostPath {
  const namespace = owner.pidNamespace === undefined ? '' : `-${owner.pidNamespace}`;
  return toHostPath(`${roots.state}/.${name}.${owner.pid}-${owner.startTime}${namespace}.${randomName()}`);
}

/** Whose it is, in some boot, and for which name; undefined for what is no temporary folder. */
export function temporaryOwner(file: string): { readonly name: string; readonly owner: Omit<ProcessIdentity, 'bootId'> } | undefined {
  const [, name, pid, ticks, namespace] = PATTERN.exec(file) ?? [];
  if (name === undefined) return undefined;
  const known = namespace === undefined ? {} : { pidNamespace: Number(namespace) };
  return { name, owner: { pid: Number(pid), startTime: Number(ticks), ...known } };
}

/**
 * Removes temporary folders whose owner is dead: all, or those of one name. `boot` is this boot's id: one from before a
 * restart passes for a living process's only if pid and start time agree, and then it waits for the next sweep.
 */
export function sweepTemporaries(roots: Roots, boot: string, name?: string): readonly HostPath[] {
  const lost = lostTemporaries(roots, boot, name);
  for (const path of lost) removeFolder(path);
  return lost;
}

/** Those that {@link sweepTemporaries} would remove. */
export function lostTemporaries(roots: Pick<Roots, 'state'>, boot: string, name?: string): readonly HostPath[] {
  const isLost = (file: string): boolean => {
    const found = temporaryOwner(file);
    if (found === undefined || (name !== undefined && found.name !== name)) return false;
    return !isAlive({ ...found.owner, bootId: boot });
  };
  return readdirIfThere(roots.state)
    .filter(isLost)
    .map((file) => toHostPath(`${roots.state}/${file}`));
}

/** The names in a directory, none when there is no such directory. */
export function readdirIfThere(directory: HostPath): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
