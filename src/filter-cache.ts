import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { COMPILER_VERSION, compileSeccomp, type SeccompTarget } from './seccomp/compile.js';
import { stringifyExactJson } from './spec/json.js';
import type { Seccomp } from './spec/types.js';

/** Beside Node's compiled code; both are made by root, for root alone. */
const FOLDER = '/var/cache/crt/filters';
/** 4096 instructions of 8 bytes (BPF_MAXINSNS), and the digest behind them. */
const DIGEST_BYTES = 32;
const MOST_BYTES = 4096 * 8 + DIGEST_BYTES;
/** Whoever runs thousands of different profiles compiles them. */
const MOST_FILES = 256;

/**
 * {@link compileSeccomp}, from the cache where the same profile was compiled before for the same processor by the same compiler.
 * A file counts only in a folder that no one else can look into or write, as a file of our own that no one else can write, and
 * with a digest over its name and its content: neither a truncated file nor another profile's is ever loaded. Whatever is wrong
 * with the cache, the answer is the compiler's.
 * @throws UserError as {@link compileSeccomp}, and nothing else
 */
export function cachedFilter(profile: Seccomp, target: SeccompTarget, folder: string = FOLDER): Uint8Array {
  const key = keyOf(profile, target);
  const known = quietly(() => (isOurs(folder) ? read(join(folder, key), key) : undefined));
  if (known !== undefined) return known;
  const filter = compileSeccomp(profile, target);
  quietly(() => store(folder, key, filter));
  return filter;
}

/** Content, not name: a profile that was edited is another one. */
function keyOf(profile: Seccomp, { arch, newCallsAreMissing = true }: SeccompTarget): string {
  return createHash('sha256')
    .update(stringifyExactJson([COMPILER_VERSION, arch, newCallsAreMissing, profile]))
    .digest('hex');
}

function digest(key: string, filter: Uint8Array): Buffer {
  return createHash('sha256').update(key).update(filter).digest();
}

function quietly<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}

function isOurs(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0;
}

/** A filter that was stored under this key; undefined for anything else that lies there. */
function read(path: string, key: string): Uint8Array | undefined {
  // Not blocking, should it be a FIFO.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0) return undefined;
    const length = stat.size - DIGEST_BYTES;
    if (length < 8 || length % 8 !== 0 || stat.size > MOST_BYTES) return undefined;
    const content = Buffer.alloc(stat.size);
    if (readSync(fd, content, 0, content.length, 0) !== content.length) return undefined;
    const filter = content.subarray(0, length);
    return timingSafeEqual(digest(key, filter), content.subarray(length)) ? new Uint8Array(filter) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** By a name of its own and a rename, so that no one reads half a file. */
function store(folder: string, key: string, filter: Uint8Array): void {
  for (const path of [dirname(folder), folder]) quietly(() => mkdirSync(path, { mode: 0o700 }));
  if (!isOurs(folder) || readdirSync(folder).length >= MOST_FILES) return;
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}`);
  try {
    writeFileSync(temporary, Buffer.concat([filter, digest(key, filter)]), { flag: 'wx', mode: 0o600 });
    renameSync(temporary, join(folder, key));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
