import { mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../errors.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { codeOf, systemError } from './failure.js';

/** Where crt keeps what outlives a call: state folders and writable layers. */
export interface Roots {
  /** One folder a container, by name. */
  readonly state: HostPath;
  /** One folder a writable layer, by id. */
  readonly layers: HostPath;
}

/** `CRT_STATE_DIR` (default `/run/crt`) and `CRT_LAYERS_DIR` (default `/var/lib/crt/layers`). @throws UserError when one is not absolute. */
export function stateRoots(env: NodeJS.ProcessEnv = process.env): Roots {
  return { state: absolute(env, 'CRT_STATE_DIR', '/run/crt'), layers: absolute(env, 'CRT_LAYERS_DIR', '/var/lib/crt/layers') };
}

function absolute(env: NodeJS.ProcessEnv, variable: string, fallback: string): HostPath {
  const value = env[variable] || fallback;
  if (!value.startsWith('/')) throw new UserError(`${variable} is not an absolute path: ${JSON.stringify(value)}`);
  return toHostPath(value.replace(/\/+$/, '') || '/');
}

/**
 * Makes a root (0700) when it is missing, and refuses one that another user could change: what lies there decides
 * what is killed and removed.
 * @throws UserError
 */
export function ensureRoot(path: HostPath, check: 'state-dir' | 'layers-dir' = 'state-dir'): void {
  const stat = makeRoot(path, check);
  if (!stat.isDirectory()) throw new UserError(`${path} is not a directory`, { hint: 'move it away: crt makes a directory there', check });
  const uid = process.geteuid?.() ?? 0;
  if (stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    throw new UserError(`${path} can be changed by other users`, { hint: `sudo chown ${uid} ${path} && sudo chmod 700 ${path}`, check });
  }
}

function makeRoot(path: HostPath, check: UserError['check']): Stats {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined) return there;
    makeFolders(path, 0o700);
    return statSync(path);
  } catch (error) {
    throw systemError(`cannot make ${path}`, error, check);
  }
}

/**
 * Makes a folder and those above it; what is there already stays. Not by `recursive` of mkdirSync, which never comes back where
 * mkdir(2) says ENOENT below a folder that is there, as on procfs.
 */
export function makeFolders(path: string, mode = 0o777): void {
  if (makeFolder(path, mode)) return;
  makeFolders(dirname(path), mode);
  if (!makeFolder(path, mode)) throw Object.assign(new Error('no folder can be made there'), { code: 'ENOENT' });
}

/** @returns false when what would hold it is missing. */
function makeFolder(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return true;
    if (codeOf(error) === 'ENOENT' && path !== '/') return false;
    throw error;
  }
}
