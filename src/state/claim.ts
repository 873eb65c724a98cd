import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { CgroupDirectory } from '../cgroup/driver.js';
import { BugError, UserError } from '../errors.js';
import { bootId, isAlive, ownPidNamespace, startTime } from '../host/process.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { stringifyExactJson } from '../spec/json.js';
import { codeOf, systemError } from './failure.js';
import { randomName, removeFolder, writeByRename } from './file.js';
import { ownIdentity, prepareUndoLock, withUndoLock } from './lock.js';
import { type CgroupRecord, type ContainerRecord, type ExitRecord, NAME_PATTERN, type StartedProcess } from './record.js';
import { ensureRoot, type Roots } from './roots.js';
import { caretaker, isOrphaned, isSame, status } from './status.js';
import { type Entry, read } from './store.js';
import { sweepTemporaries, temporaryPath } from './temporary.js';

/** What the caller knows of a container before it claims the name. */
export type NewRecord = Omit<ContainerRecord, 'id' | 'start'>;

/** A name that is ours, until undo. Each writer @throws UserError when the folder was removed meanwhile, or the disk is full. */
export interface Claim {
  readonly directory: HostPath;
  readonly record: ContainerRecord;
  /** The OCI config, for whoever looks at the container later. */
  writeConfig(config: unknown): void;
  /** The plan as it went to the helper: what enters the container later is confined by its steps. */
  writePlan(plan: Uint8Array): void;
  /** To be called with what `Cgroup.create` returned, before any process is in there. */
  writeCgroups(directories: readonly CgroupDirectory[]): void;
  /** The container's init, as the host numbers it. */
  writePid(pid: number): void;
  /** The process that cares for the container from here on, in the place of this one. */
  writeMonitor(pid: number): void;
  /** For a container whose record is kept. */
  writeExit(exit: ExitRecord): void;
}

export interface ClaimOptions {
  readonly roots: Roots;
  /** Undoes the leftover at this path, if it is still one: `undo`. Afterwards the name may be free. */
  readonly repair: (directory: HostPath) => void;
}

/**
 * Takes the name `record.name`: fills a temporary folder, then renames it into place, which fails when a folder is
 * there that is not empty (rename(2)). So a claimed folder always says who owns it, and of many one wins.
 * @throws UserError when the name is taken, or the state root cannot be written.
 */
export function claim(record: NewRecord, options: ClaimOptions): Claim {
  const { roots, repair } = options;
  if (!NAME_PATTERN.test(record.name)) throw new BugError(`not a container name: ${JSON.stringify(record.name)}`);
  ensureRoot(roots.state);
  const full: ContainerRecord = { ...record, id: randomName(), start: 1, command: shorten(record.command) };
  const directory = toHostPath(`${roots.state}/${record.name}`);
  const temporary = temporaryPath(roots, record.name, record.owner);
  try {
    sweepTemporaries(roots, record.owner.bootId, record.name);
    fill(temporary, full);
    publish(temporary, directory, () => makeWay(read(roots, record.name), repair));
  } catch (error) {
    removeFolder(temporary);
    throw systemError(`cannot write ${directory}`, error);
  }
  return new ClaimedFolder(directory, full, roots);
}

/**
 * Gives a kept container its state folder back, which a restart of the machine has emptied: it is stopped, and nobody saw its end.
 * @throws UserError when the name is taken
 */
export function restore(record: ContainerRecord, { roots, repair }: ClaimOptions): void {
  ensureRoot(roots.state);
  const directory = toHostPath(`${roots.state}/${record.name}`);
  const temporary = temporaryPath(roots, record.name, ownIdentity());
  const lost: ExitRecord = {
    exitCode: null,
    signal: null,
    reason: 'lost',
    oomKills: 0,
    finished: new Date().toISOString(),
    start: record.start,
  };
  try {
    fill(temporary, record);
    writeFileSync(`${temporary}/exit.json`, versioned(lost), { mode: 0o600 });
    writeFileSync(`${temporary}/cgroup.json`, versioned({ bootId: bootId(), directories: [] }), { mode: 0o600 });
    publish(temporary, directory, () => makeWay(read(roots, record.name), repair));
  } catch (error) {
    removeFolder(temporary);
    throw systemError(`cannot write ${directory}`, error);
  }
}

/**
 * Takes a stopped container that is kept for another start. From here on it is as one that is being started, and whatever happens it is
 * still kept.
 * @throws UserError when it is not there any more, or is not stopped.
 */
export function reclaim(entry: Entry, record: Omit<ContainerRecord, 'id' | 'start'>, { roots }: Pick<ClaimOptions, 'roots'>): Claim {
  const { name, directory } = entry;
  const next = withUndoLock(directory, () => {
    const now = read(roots, name);
    // A start that was due has been forbidden meanwhile: `crt stop`.
    if (entry.restart?.due !== undefined && now?.restart?.due === undefined) return undefined;
    if (now?.record === undefined || !isSame(now, entry) || !ENDED.has(status(now)) || !mayTake(now)) return undefined;
    const full: ContainerRecord = { ...record, id: now.record.id, command: shorten(record.command), start: now.record.start + 1 };
    writeByRename(directory, 'state.json', JSON.stringify(full));
    // What stands there says that nothing is left to undo. The other files know which start they are of.
    rmSync(`${directory}/cgroup.json`, { force: true });
    return full;
  });
  if (next === undefined) throw new UserError(`${name} cannot be started: it is not a stopped container any more`, { hint: 'crt ps -a' });
  return new ClaimedFolder(directory, next, roots);
}

const ENDED: ReadonlySet<string> = new Set(['stopped', 'restarting']);

/** Nobody else is about to start it or to clean up after it; its own monitor may be what asks. */
function mayTake(entry: Entry): boolean {
  const process_ = caretaker(entry);
  return process_ === undefined || !isAlive(process_) || process_.pid === process.ppid;
}

function fill(temporary: HostPath, record: ContainerRecord): void {
  mkdirSync(temporary, { mode: 0o700 });
  writeFileSync(`${temporary}/state.json`, JSON.stringify(record), { mode: 0o600 });
  prepareUndoLock(temporary, record.owner);
}

/** What `ps` shows is enough: a command of two megabytes must not make a record that is too big to be believed. */
function shorten(command: readonly string[]): readonly string[] {
  const words = command.slice(0, 64).map((word) => (word.length > 1024 ? `${word.slice(0, 1024)}…` : word));
  return command.length > 64 ? [...words, '…'] : words;
}

function publish(temporary: HostPath, directory: HostPath, makeWay: () => void): void {
  // Each round either takes the name, throws because it is taken, or sees a leftover disappear.
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      renameSync(temporary, directory);
      return;
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    }
    makeWay();
  }
  throw new UserError(`the folder ${directory} changes hands faster than it can be taken`, { hint: 'crt ps -a' });
}

/** @throws UserError when the name is taken. */
function makeWay(entry: Entry | undefined, repair: (directory: HostPath) => void): void {
  if (entry === undefined) return;
  if (!isOrphaned(entry)) throw taken(entry);
  repair(entry.directory);
}

function taken(entry: Entry): UserError {
  const { name, record } = entry;
  const by = (who: string, hint: string, check?: 'leftovers'): UserError =>
    new UserError(`the name ${name} is taken by ${who}`, { hint, ...(check ? { check } : {}) });
  switch (status(entry)) {
    case 'running':
      return by(`a running container (pid ${entry.init?.pid})`, 'crt ps');
    case 'corrupt':
      return by(`a damaged state folder (${entry.problem})`, `crt rm ${name}`, 'leftovers');
    case 'creating':
      return by(`a container that is being started (by process ${record?.owner.pid})`, 'crt ps');
    default:
      return record?.keep
        ? by('a stopped container whose layer is kept', `crt rm ${name}`)
        : by(`a container that is just ending (process ${record?.owner.pid} clears up)`, 'try again, or: crt ps');
  }
}

class ClaimedFolder implements Claim {
  readonly directory: HostPath;
  readonly record: ContainerRecord;
  readonly #roots: Roots;

  constructor(directory: HostPath, record: ContainerRecord, roots: Roots) {
    this.directory = directory;
    this.record = record;
    this.#roots = roots;
  }

  writeConfig(config: unknown): void {
    this.#write('config.json', stringifyExactJson(config));
  }

  writePlan(plan: Uint8Array): void {
    this.#write('plan', plan);
  }

  writeCgroups(directories: readonly CgroupDirectory[]): void {
    const content: CgroupRecord = { bootId: this.record.owner.bootId, directories };
    this.#write('cgroup.json', versioned(content));
  }

  writePid(pid: number): void {
    this.#write('pid', versioned(this.#identify(pid)));
  }

  writeMonitor(pid: number): void {
    this.#write('monitor', versioned(this.#identify(pid)));
  }

  /** A process that has ended already keeps its number there and never counts as alive. */
  #identify(pid: number): StartedProcess {
    const { owner, start } = this.record;
    return { pid, startTime: startTime(pid) ?? 0, bootId: owner.bootId, ...ownPidNamespace(), start };
  }

  writeExit(exit: ExitRecord): void {
    // `crt rm -f` may have removed our folder, and the name may have a new owner: the lock holds it still while we look.
    const written = withUndoLock(this.directory, () => {
      if (read(this.#roots, this.record.name)?.record?.id !== this.record.id) return false;
      this.#write('exit.json', versioned(exit));
      return true;
    });
    if (written !== true) throw this.#removed();
  }

  #write(file: string, content: string | Uint8Array): void {
    try {
      writeByRename(this.directory, file, content);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw this.#removed(error);
      throw systemError(`cannot write ${this.directory}/${file}`, error);
    }
  }

  #removed(cause?: unknown): UserError {
    return new UserError(`the container ${this.record.name} was removed by somebody else`, { hint: 'crt ps -a', cause });
  }
}

function versioned(content: object): string {
  return JSON.stringify({ version: 1, ...content });
}
