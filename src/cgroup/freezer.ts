import { UserError } from '../errors.js';
import { shellWord } from '../format/shell-word.js';
import { waitUntil } from '../state/pause.js';
import { isErrno, readText, writeText } from './files.js';

/**
 * Milliseconds until every process has to stand still. All but one that hangs in the kernel do so in a few; less than the
 * patience of whoever waits for the undo lock meanwhile.
 */
const PATIENCE = 5_000;

/** Where and how one kind of cgroup is frozen. */
interface Freezer {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  /** True once every process stands still; undefined when the cgroup is gone. */
  readonly isStill: (path: string) => boolean | undefined;
}

/** Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst. A read of FREEZING makes the kernel look again. */
const V1: Freezer = {
  file: 'freezer.state',
  frozen: 'FROZEN',
  thawed: 'THAWED',
  isStill: (path) => equals(readText(`${path}/freezer.state`), 'FROZEN'),
};

/** Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze (from Linux 5.2). */
const V2: Freezer = {
  file: 'cgroup.freeze',
  frozen: '1',
  thawed: '0',
  isStill: (path) => readText(`${path}/cgroup.events`)?.includes('frozen 1'),
};

function equals(text: string | undefined, wanted: string): boolean | undefined {
  return text === undefined ? undefined : text === wanted;
}

/**
 * Stops every process of the cgroup and returns when all stand still.
 * @throws UserError when one does not in five seconds (all go on then), or there is nothing to freeze with.
 */
export function freeze(paths: readonly string[], name: string): void {
  const { path, freezer } = need(paths, name);
  writeText(`${path}/${freezer.file}`, freezer.frozen);
  if (waitUntil(() => freezer.isStill(path) !== false, PATIENCE)) return;
  writeText(`${path}/${freezer.file}`, freezer.thawed);
  throw new UserError(`a process of ${name} does not stand still after ${PATIENCE / 1000} seconds, so nothing was paused`, {
    hint: `it hangs in the kernel; find it by its state D: crt top ${shellWord(name)}`,
  });
}

/** Lets all go on. @throws UserError when there is nothing to thaw with. */
export function thaw(paths: readonly string[], name: string): void {
  const { path, freezer } = need(paths, name);
  writeText(`${path}/${freezer.file}`, freezer.thawed);
}

/** True when the cgroup was told to stand still; undefined when it cannot be told so: no freezer hierarchy, or it is gone. */
export function isFrozen(paths: readonly string[]): boolean | undefined {
  const found = choose(paths);
  return found && found.state !== found.freezer.thawed;
}

/** Lets all go on, where they stand still and are there at all: on version 1 a frozen process dies only once it is thawed. */
export function thawToDie(path: string): void {
  try {
    writeText(`${path}/${V1.file}`, V1.thawed);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
  }
}

function choose(paths: readonly string[]): { path: string; freezer: Freezer; state: string } | undefined {
  for (const path of paths)
    for (const freezer of [V1, V2]) {
      const state = readText(`${path}/${freezer.file}`);
      if (state !== undefined) return { path, freezer, state };
    }
  return undefined;
}

function need(paths: readonly string[], name: string): { path: string; freezer: Freezer } {
  const found = choose(paths);
  if (found !== undefined) return found;
  throw new UserError(`${name} has no cgroup that can be frozen`, {
    hint: 'mount the freezer, then start it again: mount -t cgroup -o freezer cgroup /sys/fs/cgroup/freezer',
    check: 'cgroup-controllers',
  });
}
