import { mkdirSync, statSync } from 'node:fs';
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
export function ensureRoot(path: HostPath): void {
  let stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw systemError(`cannot make ${path}`, error);
    }
    stat = statSync(path);
  }
  if (!stat.isDirectory()) throw new UserError(`${path} is not a directory`, { hint: 'move it away: crt makes a directory there' });
  const uid = process.geteuid?.() ?? 0;
  if (stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    throw new UserError(`${path} can be changed by other users`, { hint: `sudo chown ${uid}: ${path} && sudo chmod 700 ${path}` });
  }
}
