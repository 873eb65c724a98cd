import { lstatSync } from 'node:fs';
import type { ProcessIdentity } from '../host/process.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { decodeEnded, type Ended } from './ended.js';
import { codeOf, systemError } from './failure.js';
import { CorruptFile, parseJson, readStateFile } from './file.js';
import {
  type CgroupRecord,
  type ContainerRecord,
  decodeCgroups,
  decodeExit,
  decodeProcess,
  decodeRecord,
  decodeRestart,
  type ExitRecord,
  type RestartRecord,
} from './record.js';
import type { Roots } from './roots.js';
import { readdirIfThere } from './temporary.js';
import { decodeUpdate, type UpdateRecord } from './update-record.js';

/** One name in the state root, as far as it can be read. Nothing that stands there makes reading fail. */
export interface Entry {
  readonly name: string;
  readonly directory: HostPath;
  /** Inode number of what stands at `directory`. */
  readonly inode: number;
  /** False when something else than a folder stands there. */
  readonly isFolder: boolean;
  /** undefined = corrupt. */
  readonly record: ContainerRecord | undefined;
  /** Why it is corrupt, for people: `state.json is empty`. */
  readonly problem: string | undefined;
  /** The container's init, once it was started. */
  readonly init: ProcessIdentity | undefined;
  /** What cares for it once its supervisor has left. */
  readonly monitor: ProcessIdentity | undefined;
  /** How it ended, as its monitor saw it; until crt has made the exit record of it. */
  readonly ended: Ended | undefined;
  /** What is to happen after the end, or that nothing is. */
  readonly restart: RestartRecord | undefined;
  /** The cgroup directories, once they were made; empty when they were removed and the record is kept. */
  readonly cgroups: CgroupRecord | undefined;
  /** The exit record, once there is one. */
  readonly exit: ExitRecord | undefined;
  /** What `crt update` has changed; {@link record} has its memory limit already. */
  readonly update?: UpdateRecord | undefined;
}

/** Every container that holds a name, by name. @throws UserError when the state root cannot be read: not root. */
export function readAll(roots: Pick<Roots, 'state'>): readonly Entry[] {
  let names: readonly string[];
  try {
    names = readdirIfThere(roots.state);
  } catch (error) {
    throw systemError(`cannot read ${roots.state}`, error);
  }
  const visible = names.filter((name) => !name.startsWith('.')).sort();
  return visible.map((name) => read(roots, name)).filter((entry) => entry !== undefined);
}

/** The container that holds this name, undefined when there is none. @throws UserError when the state root cannot be read. */
export function read(roots: Pick<Roots, 'state'>, name: string): Entry | undefined {
  const directory = toHostPath(`${roots.state}/${name}`);
  try {
    for (;;) {
      const stat = lstatSync(directory, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      const seen = { name, directory, inode: stat.ino, isFolder: stat.isDirectory() };
      if (!seen.isFolder) return { ...seen, ...NOTHING, problem: 'not a folder' };
      const files = readFiles(directory, name);
      // An undo renames the folder away, and a start another into its place: what was read meanwhile is of neither.
      if (lstatSync(directory, { throwIfNoEntry: false })?.ino === stat.ino) return { ...seen, ...files };
    }
  } catch (error) {
    throw systemError(`cannot read ${directory}`, error);
  }
}

type Contents = Omit<Entry, 'name' | 'directory' | 'inode' | 'isFolder'>;

const NOTHING: Contents = {
  record: undefined,
  problem: undefined,
  init: undefined,
  monitor: undefined,
  ended: undefined,
  restart: undefined,
  cgroups: undefined,
  exit: undefined,
};

function readFiles(directory: HostPath, name: string): Contents {
  const init = decodeFile(directory, 'pid', decodeProcess).value;
  const monitor = decodeFile(directory, 'monitor', decodeProcess).value;
  const cgroups = decodeFile(directory, 'cgroup.json', decodeCgroups).value;
  const exit = decodeFile(directory, 'exit.json', decodeExit).value;
  const restart = decodeFile(directory, 'restart.json', decodeRestart).value;
  const ended = decodeText(directory, 'ended', decodeEnded).value;
  const state = decodeFile(directory, 'state.json', (value) => decodeRecord(value, name));
  const changed = decodeFile(directory, 'update.json', decodeUpdate).value;
  const problem = state.value === undefined ? `state.json ${state.problem ?? 'is missing'}` : undefined;
  // Of a damaged record nobody knows which start it is; what is written beside it is all that there is.
  const current = <T extends { readonly start: number }>(file: T | undefined): T | undefined =>
    state.value === undefined || file?.start === state.value.start ? file : undefined;
  const known = { init: current(init), monitor: current(monitor), exit: current(exit), ended: current(ended), restart: current(restart) };
  const update = current(changed);
  return { record: state.value && updated(state.value, update), problem, cgroups, update, ...known };
}

function updated(record: ContainerRecord, update: UpdateRecord | undefined): ContainerRecord {
  const memoryLimit = update?.resources.memory?.limit;
  return memoryLimit === undefined ? record : { ...record, memoryLimit: Number(memoryLimit) };
}

function decodeFile<T>(directory: HostPath, file: string, decode: (value: unknown) => T): { value?: T; problem?: string } {
  return decodeText(directory, file, (text) => decode(parseJson(text)));
}

function decodeText<T>(directory: HostPath, file: string, decode: (text: string) => T): { value?: T; problem?: string } {
  try {
    const text = readStateFile(`${directory}/${file}`);
    return text === undefined ? {} : { value: decode(text) };
  } catch (error) {
    if (error instanceof CorruptFile) return { problem: error.message };
    const code = codeOf(error);
    // The folder as such was readable: a file that is not is damage. Our own shortage of descriptors is not.
    if (code === undefined || code === 'EMFILE' || code === 'ENFILE') throw error;
    return { problem: `cannot be read (${code})` };
  }
}
