import {
  type BigIntStats,
  closeSync,
  constants,
  type Dir,
  type Dirent,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { parseMountId } from './host/process-files.js';
import { codeOf } from './state/failure.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** A name that is gone, or no folder (any more): a link, too. */
const IS_NO_FOLDER = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** A folder by its descriptor: what is renamed, or swapped for a link, on the way to it leads nowhere else. */
export interface Folder {
  readonly fd: number;
  /** The id of the mount that it was opened on (proc_pid_fdinfo(5)): a file system may be mounted in itself. */
  readonly mount: number | undefined;
  /** The path of a name in it: openat(2) by procfs. Names are bytes. */
  at(name: Buffer): Buffer;
  entries(): Dirent<Buffer>[];
  /** One after the other, however many there are, each byte a character (latin1). */
  names(): Generator<string>;
  /** What has a name of {@link names}; a link itself. Undefined when it is gone. */
  stat(name: string): BigIntStats | undefined;
  /** Undefined when it is no folder, or something is mounted on it. */
  enter(name: string): Folder | undefined;
  close(): void;
}

/** @throws ENOTDIR or ELOOP for a link at the end of the path */
export function openFolder(path: string | Buffer): Folder {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  let mount: number | undefined;
  const self = Buffer.from(`/proc/self/fd/${fd}/`);
  const at = (name: Buffer): Buffer => Buffer.concat([self, name]);
  const byName = (name: string): Buffer => at(Buffer.from(name, 'latin1'));
  return {
    fd,
    at,
    get mount() {
      mount ??= mountOf(fd);
      return mount;
    },
    entries: () => readdirSync(self, { encoding: 'buffer', withFileTypes: true }),
    *names() {
      // As bytes: of a file system that says no types Node asks for each, by the name that it gives out.
      const directory = opendirSync(self.toString(), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
      try {
        for (let entry = nextOf(directory); entry !== null; entry = nextOf(directory))
          yield (entry.name as unknown as Buffer).toString('latin1');
      } finally {
        directory.closeSync();
      }
    },
    stat: (name) => lstatSync(byName(name), { bigint: true, throwIfNoEntry: false }),
    enter(name) {
      const folder = openIfFolder(byName(name));
      let isEntered = false;
      try {
        isEntered = folder !== undefined && folder.mount === this.mount;
        return isEntered ? folder : undefined;
      } finally {
        if (!isEntered) folder?.close();
      }
    },
    close: () => closeSync(fd),
  };
}

function openIfFolder(path: Buffer): Folder | undefined {
  try {
    return openFolder(path);
  } catch (error) {
    if (IS_NO_FOLDER.has(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** A folder that was removed while it is read has no more names. */
function nextOf(directory: Dir): Dirent | null {
  try {
    return directory.readSync();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function mountOf(fd: number): number | undefined {
  return parseMountId(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
}
