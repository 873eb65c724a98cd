import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, posix, resolve } from 'node:path';
import { UserError } from './errors.js';
import { find, findRunning } from './find.js';
import { printable } from './format/printable.js';
import { shellWord } from './format/shell-word.js';
import { isForeign } from './host/process.js';
import { type CopyEnd, copyInRunning, copyInStopped, copyOnHost, isInMemory, isReadOnly } from './plan/compile-copy.js';
import { type ContainerPath, type Plan, toContainerPath } from './plan/step.js';
import { readStart } from './prepare-exec.js';
import { errnoWords } from './state/failure.js';
import { type Roots, stateRoots } from './state/roots.js';
import { status } from './state/status.js';

/** What a path names; `missing`: nothing, in a folder that may be there. */
export type Kind = 'missing' | 'directory' | 'file' | 'link' | 'special';

/** One side of a copy, as people name it and as a plan reaches it. */
export interface Place {
  /** For messages. */
  readonly label: string;
  /** Where the helper looks, without a trailing slash. */
  readonly path: ContainerPath;
  /** Under which name it is copied into a folder. */
  readonly base: string;
  /** `SRC/.`: what is in the folder, without the folder. */
  readonly isContents: boolean;
  /** A folder is meant: `SRC/` or `SRC/.` */
  readonly isFolder: boolean;
  /** Run the helper from a sealed view of its file: root there is root of the host. */
  readonly sealed: boolean;
  compile(end: CopyEnd): Plan;
}

/** Docker's rules for the end of a path. */
function parse(path: string): Pick<Place, 'base' | 'isContents' | 'isFolder'> & { clean: ContainerPath } {
  const clean = toContainerPath(posix.resolve('/', path));
  const isContents = /(^|\/)\.$/.test(path);
  return { clean, base: clean === '/' ? '.' : basename(clean), isContents, isFolder: isContents || path.endsWith('/') };
}

/**
 * A path in a container that runs or is kept.
 * @throws NoContainerError; UserError when there is nothing of it to copy from or to, or a copy into it is not allowed
 */
export function placeInside(name: string, path: string, use: 'read' | 'write', roots: Roots = stateRoots()): Place {
  if (process.geteuid?.() !== 0)
    throw new UserError('copying from and to a container needs root', { hint: 'sudo crt cp …', check: 'privilege' });
  if (path === '' || path.includes('\0'))
    throw new UserError(`${name}: needs a path after the colon`, { hint: `crt cp ${name}:/etc/hosts .` });
  const { clean, ...shape } = parse(path);
  const common = { label: printable(`${name}:${path}`), path: clean, ...shape };
  const entry = find(name, roots);
  const now = status(entry);
  if (now === 'running') {
    const { init } = findRunning(name, roots);
    if (isForeign(init))
      throw new UserError(`${name} runs in another pid namespace, so its processes have no numbers here`, {
        hint: 'copy from where it was started',
      });
    const started = readStart(entry);
    const hasUserNamespace = started.some(({ op }) => op === 'join-userns');
    const target = { pid: init.pid, startTime: init.startTime, hasUserNamespace };
    return { ...common, sealed: !hasUserNamespace, compile: (end) => copyInRunning(target, end) };
  }
  if ((now !== 'stopped' && now !== 'restarting') || entry.record?.keep !== true)
    throw new UserError(`${name} is ${now}, and only one that runs or is kept has files`, { hint: 'crt ps -a' });
  const started = readStart(entry);
  if (isInMemory(started))
    throw new UserError(`${name} had its writable layer in memory, which went with it (--storage-size)`, {
      hint: `crt start ${shellWord(name)}, then copy`,
    });
  if (use === 'write' && isReadOnly(started))
    throw new UserError(`the root of ${name} is read-only (--read-only)`, { hint: 'copy to a volume or a tmpfs of it while it runs' });
  return { ...common, sealed: true, compile: (end) => copyInStopped(started, end) };
}

/** A path on this host; links on the way to it are followed now, and by nobody later. */
export interface LocalPlace extends Place {
  readonly kind: Kind;
}

/** @param follow also the link that the path itself names @throws UserError when its folder is not there */
export function placeHere(path: string, follow: boolean): LocalPlace {
  const { base, isContents, isFolder } = parse(resolve(path) + (/\/\.?$|^\.$/.test(path) ? path.slice(path.lastIndexOf('/')) : ''));
  const given = resolve(path);
  const label = printable(path);
  try {
    const stats = (follow || isFolder ? statSync : lstatSync)(given, { throwIfNoEntry: false }) as Stats | undefined;
    const whole = stats !== undefined && (follow || isFolder);
    const real = whole ? realpathSync(given) : posix.join(realpathSync(dirname(given)), basename(given));
    const shape = { label, base, isContents, isFolder, path: toContainerPath(real), sealed: false };
    return { ...shape, kind: kindOf(stats), compile: copyOnHost };
  } catch (cause) {
    throw new UserError(`${label}: ${errnoWords(cause)}`, { hint: `ls -ld ${shellWord(dirname(given))}`, cause });
  }
}

function kindOf(stats: Stats | undefined): Kind {
  if (stats === undefined) return 'missing';
  if (stats.isDirectory()) return 'directory';
  if (stats.isFile()) return 'file';
  return stats.isSymbolicLink() ? 'link' : 'special';
}
