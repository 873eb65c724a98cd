import { dirname } from 'node:path';
import type { HostPath } from '../plan/step.js';
import { listPids, makeDirectory, removeDirectories } from './directory.js';
import type { CgroupDirectory } from './driver.js';
import { isErrno, writeText } from './files.js';
import { freeze, isFrozen, thaw } from './freezer.js';

/** Rounds over processes that fork meanwhile, where nothing can make them stand still. */
const ROUNDS = 100;

/** Cgroups of version 1 that a container enters while it runs: it was started without a limit of theirs. */
export class LateEntry {
  readonly made: CgroupDirectory[] = [];
  readonly #name: string;
  readonly #own: readonly string[];

  constructor(name: string, own: readonly CgroupDirectory[]) {
    this.#name = name;
    this.#own = own.map(({ path }) => path);
  }

  /** @throws UserError, also when the directory exists: it is never adopted. */
  make(path: HostPath): void {
    this.made.push(makeDirectory(path, this.#name));
  }

  /** Takes all processes in. They stand still meanwhile, so that no child escapes. */
  enter(): void {
    if (this.made.length === 0) return;
    const goOn = this.#holdStill();
    try {
      for (const { path } of this.made) this.#move(path);
    } finally {
      goOn();
    }
  }

  /** The processes go back to where they were before: to the top. The directories go. */
  leave(): void {
    for (const { path } of this.made) {
      for (const pid of listPids(path)) tryMove(dirname(path), pid);
    }
    removeDirectories(this.made);
  }

  #holdStill(): () => void {
    if (isFrozen(this.#own) !== false) return () => {};
    freeze(this.#own, this.#name);
    return () => thaw(this.#own, this.#name);
  }

  #move(path: string): void {
    const [from] = this.#own;
    if (from === undefined) return;
    for (let round = 0; round < ROUNDS; round++) {
      const inside = new Set(listPids(path));
      const outside = listPids(from).filter((pid) => !inside.has(pid));
      if (outside.length === 0) return;
      for (const pid of outside) move(path, pid);
    }
  }
}

function move(path: string, pid: number): void {
  try {
    writeText(`${path}/cgroup.procs`, String(pid));
  } catch (error) {
    // It has ended.
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

function tryMove(path: string, pid: number): void {
  try {
    move(path, pid);
  } catch {
    // What cannot be moved keeps its directory, and rmdir(2) refuses.
  }
}
