import { existsSync, mkdirSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../errors.js';
import { asRoot, shellWord } from '../format/shell-word.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { codeOf, systemError } from './failure.js';

/** Where crt keeps what outlives a call: state folders and writable layers. */
export interface Roots {
  /** One folder a container, by name. */
  readonly state: HostPath;
  /** One folder a writable layer, by id. */
  readonly layers: HostPath;
}

/** By the check of `crt doctor` that tries it. */
const USUAL = {
  'state-dir': { variable: 'CRT_STATE_DIR', path: '/run/crt' },
  'layers-dir': { variable: 'CRT_LAYERS_DIR', path: '/var/lib/crt/layers' },
} as const;
export type RootCheck = keyof typeof USUAL;
/** Temporary folders and layers, user ids, parts of the `host` rootfs, the journal; and what mkfs makes. */
const MADE = /\.[0-9a-f]{16}$|^\.ids$|^\.host-|^\.events(\.1|\.lock)?$|^lost\+found$/;

/** `CRT_STATE_DIR` (default `/run/crt`) and `CRT_LAYERS_DIR` (default `/var/lib/crt/layers`). @throws UserError when one is not absolute. */
export function stateRoots(env: NodeJS.ProcessEnv = process.env): Roots {
  return { state: absolute(env, 'state-dir'), layers: absolute(env, 'layers-dir') };
}

function absolute(env: NodeJS.ProcessEnv, check: RootCheck): HostPath {
  const { variable, path } = USUAL[check];
  const value = env[variable] || path;
  if (!value.startsWith('/')) throw new UserError(`${variable} is not an absolute path: ${JSON.stringify(value)}`);
  return toHostPath(value.replace(/\/+$/, '') || '/');
}

/**
 * Makes a root (0700) when it is missing, and refuses one that another user could change: what lies there decides
 * what is killed and removed.
 * @throws UserError
 */
export function ensureRoot(path: HostPath, check: RootCheck = 'state-dir'): void {
  const stat = makeRoot(path, check);
  if (!stat.isDirectory()) throw new UserError(`${path} is not a directory`, { hint: elsewhere(check), check });
  const uid = process.geteuid?.() ?? 0;
  if (stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    const word = shellWord(path);
    const hint = isOurs(path, check) ? asRoot([`chown ${uid} ${word}`, `chmod 700 ${word}`], elsewhere(check)) : { hint: elsewhere(check) };
    throw new UserError(`${path} can be changed by other users`, { ...hint, check });
  }
}

/** What to do about a root that is not ours to change. */
export function elsewhere(check: RootCheck): string {
  return `set ${USUAL[check].variable} to a directory of crt's own, which only root can write to`;
}

/** The usual place, or a directory with nothing in it but what crt makes: only such a one may be changed by a command that crt shows. */
export function isOurs(path: HostPath, check: RootCheck): boolean {
  try {
    const real = realpathSync(path);
    if (real === USUAL[check].path) return true;
    const stat = statSync(real);
    // /tmp and its like, a folder of a group, the top folders of a machine, homes: empty ones as well.
    if (!stat.isDirectory() || (stat.mode & 0o7000) !== 0 || ['/', '/home'].includes(dirname(real))) return false;
    return readdirSync(real).every((name) => MADE.test(name) || existsSync(`${real}/${name}/state.json`));
  } catch {
    return false;
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
