import { lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createLayer, layerId } from '../layer.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import type { NewRecord } from '../state/claim.js';
import { codeOf, systemError } from '../state/failure.js';
import { randomName } from '../state/file.js';
import { ownIdentity } from '../state/lock.js';
import { ensureRoot, type RootCheck } from '../state/roots.js';
import { temporaryPath } from '../state/temporary.js';
import { SCRATCH } from './scratch-name.js';

/**
 * A root of ours to make things in: itself or, where it is not there yet, a folder in what would hold it, which goes again.
 * @throws UserError when nothing can be made there
 */
export async function inRoot<T>(root: HostPath, check: RootCheck, work: (root: HostPath) => T | Promise<T>): Promise<T> {
  if (isThere(root)) return work(root);
  // Makes nothing, and says what a start says.
  if (danglingLink(root) !== undefined) ensureRoot(root, check);
  const folder = temporaryPath({ state: standing(root), layers: root }, SCRATCH, ownIdentity());
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw systemError(`cannot make ${root}`, error, check);
  }
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The path itself, or the nearest folder above that is there. */
export function standing(path: HostPath): HostPath {
  return isThere(path) || path === '/' ? path : standing(toHostPath(dirname(path)));
}

/** The symbolic link on the way that leads nowhere: mkdir(2) makes no folder in its place. */
export function danglingLink(path: HostPath): HostPath | undefined {
  if (isThere(path)) return undefined;
  if (isLink(path)) return path;
  return path === '/' ? undefined : danglingLink(toHostPath(dirname(path)));
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    // Below a file.
    return false;
  }
}

/** Also where it cannot be looked at: whoever works on it says why. */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // Not below a file.
    return codeOf(error) !== 'ENOTDIR';
  }
}

/** A record as a start writes it, of a container that makes nothing more. */
export function scratchRecord(name: string, layer?: HostPath): NewRecord {
  return {
    version: 1,
    name,
    owner: ownIdentity(),
    created: new Date().toISOString(),
    rootfs: 'none',
    rootfsKind: 'directory',
    command: ['crt', 'doctor'],
    cgroupPaths: [],
    ...(layer === undefined ? {} : { layer }),
    keep: false,
    loosened: [],
  };
}

/** A layer of a container that is not there: whoever finds it after a crash removes it. @throws UserError */
export function makeLayer(layers: HostPath, state: HostPath, name: string): ReturnType<typeof createLayer> {
  const id = layerId(name);
  const record = { ...scratchRecord(name, toHostPath(`${layers}/${id}`)), id: randomName(), start: 1 };
  const owner = { directory: toHostPath(`${state}/${name}`), record };
  return createLayer(layers, id, { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 }, owner);
}
