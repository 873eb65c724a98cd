import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { codeOf } from './failure.js';

/** A state file that cannot be believed: too big, not a regular file, not what its decoder expects. */
export class CorruptFile extends Error {
  override readonly name = 'CorruptFile';
}

/** Bytes. A record of ours is a few kilobytes; more was not written by us. */
export const MAX_STATE_FILE = 1 << 20;

/**
 * The text of a small regular file, undefined when there is none. Never follows a symlink (a state file is one only by
 * mischief or damage) and never waits (a FIFO).
 * @throws CorruptFile
 */
export function readStateFile(path: string): string | undefined {
  return readStateBytes(path, MAX_STATE_FILE)?.toString('utf8');
}

/** The same, as bytes, and up to `most` of them. @throws CorruptFile */
export function readStateBytes(path: string, most: number): Buffer | undefined {
  let fd: number;
  try {
    // Most are not there most of the time, and an exception costs more than this look.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw new CorruptFile('is a symbolic link', { cause: error });
    if (code === 'ENXIO' || code === 'EIO') throw new CorruptFile('cannot be read', { cause: error });
    throw error;
  }
  try {
    return readBounded(fd, most);
  } finally {
    closeSync(fd);
  }
}

function readBounded(fd: number, most: number): Buffer {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new CorruptFile('is not a regular file');
  if (stat.size > most) throw new CorruptFile(`is larger than ${most / (1 << 20)} MiB`);
  const buffer = Buffer.alloc(stat.size);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/** @throws CorruptFile when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CorruptFile(text === '' ? 'is empty' : 'is not JSON', { cause: error });
  }
}

/** Random characters for a name that nobody else takes: 16 hexadecimal digits. */
export function randomName(): string {
  // Not randomBytes: this one draws its entropy for many at a time.
  return randomUUID().replaceAll('-', '').slice(0, 16);
}

/** Writes a file whole or not at all: a temporary one beside it, renamed into place (rename(2)). */
export function writeByRename(directory: string, file: string, content: string | Uint8Array): void {
  // Each file has one writer: a temporary one that stands there is that of its dead predecessor.
  const temporary = `${directory}/.${file}.new`;
  try {
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, `${directory}/${file}`);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Removes a folder that holds files, as state folders do; anything deeper that stands there by mischief goes too. Symlinks are not followed. */
export function removeFolder(directory: string): void {
  // Someone who announces itself in the undo lock may still add a file to a folder that was just renamed: hence the loop.
  for (let attempt = 0; ; attempt++) {
    try {
      for (const file of readdirSync(directory)) removeEntry(`${directory}/${file}`);
      rmdirSync(directory);
      return;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return;
      if (code !== 'ENOTEMPTY' || attempt === 10) throw error;
    }
  }
}

function removeEntry(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return;
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
    rmSync(path, { recursive: true, force: true });
  }
}
