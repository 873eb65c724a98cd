import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BrokenFrames } from './archive/frames.js';
import { packTar } from './archive/pack.js';
import { ArchiveError } from './archive/tar-header.js';
import { unpackTar } from './archive/unpack.js';
import { type Kind, type LocalPlace, type Place, placeHere, placeInside } from './copy-place.js';
import { CopyError, leftOutWords, Worker } from './copy-worker.js';
import { UserError } from './errors.js';
import { printable } from './format/printable.js';
import { COPY } from './plan/compile-copy.js';
import { codeOf, systemError } from './state/failure.js';

/** The other side has ended: of a pipe, and of a socket, which Node makes for one. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

export interface CopyOptions {
  /** Copy what the link at the end of the source path leads to; default: the link itself. */
  readonly followLink?: boolean;
  /** Keep user and group, by number as inside; default: what is copied belongs to root, there or here. */
  readonly archive?: boolean;
}

export interface Copied {
  /** Bytes that went over: of the tar archive where there is one, else of all contents and names, and 40 for each entry. */
  readonly bytes: number;
  /** Devices, sockets and pipes, in words: they are not copied, nor is what vanished meanwhile. */
  readonly leftOut: readonly string[];
}

/**
 * Copies a file or a folder out of a container, running or kept, by docker's rules (docs/man/crt-cp.md). Nothing is buffered. What
 * arrives on the host has no setuid and setgid bits.
 * @param to a path, or a stream that gets a tar archive and is not ended
 * @throws NoContainerError; UserError, after which a part may have been copied
 */
export async function copyFrom(name: string, path: string, to: string | Writable, options: CopyOptions = {}): Promise<Copied> {
  const from = placeInside(name, path, 'read');
  const local = typeof to === 'string' ? placeHere(to, true) : undefined;
  const isInto = local === undefined || local.kind === 'directory';
  const flags = options.followLink || from.isFolder ? COPY.follow : 0;
  const entry = isInto && !from.isContents ? from.base : '.';
  const source = new Worker(from, { kind: 'archive', path: from.path, name: entry, flags, look: true });
  try {
    const kind = await source.look();
    refuseSource(from, kind);
    if (local === undefined) return await transfer(source, to as Writable, { after: packTar });
    refuseTarget(from, kind, local, local.kind);
    const keep = options.archive ? COPY.owners : 0;
    return await transfer(
      source,
      new Worker(local, { kind: 'extract', path: local.path, flags: COPY.follow | COPY.real | keep, look: false }),
    );
  } finally {
    await source.end();
  }
}

/**
 * Copies a file or a folder into a container, running or kept, by docker's rules.
 * @param from a path, or a stream of a tar archive, which is unpacked into the folder `path` with the owners that it names
 * @throws NoContainerError; UserError, after which a part may have been copied
 */
export async function copyTo(from: string | Readable, name: string, path: string, options: CopyOptions = {}): Promise<Copied> {
  const to = placeInside(name, path, 'write');
  const isStream = typeof from !== 'string';
  const local = isStream ? undefined : placeHere(from, options.followLink ?? false);
  if (local) refuseSource(local, local.kind);
  const keep = options.archive || isStream ? COPY.owners : 0;
  const target = new Worker(to, { kind: 'extract', path: to.path, flags: COPY.follow | COPY.setIds | keep, look: true });
  try {
    const kind = await target.look();
    if (local === undefined) {
      if (kind !== 'directory')
        throw new UserError(`${to.label} is ${kind === 'missing' ? 'not there' : 'no folder'}: a tar archive needs one`);
      return await unpack(from as Readable, target, to);
    }
    refuseTarget(local, local.kind, to, kind);
    const entry = kind === 'directory' && !local.isContents ? local.base : '.';
    const flags = COPY.real | (options.followLink || local.isFolder ? COPY.follow : 0);
    return await transfer(new Worker(local, { kind: 'archive', path: local.path, name: entry, flags, look: false }), target);
  } finally {
    await target.end();
  }
}

function refuseSource({ label, isFolder }: Place, kind: Kind): void {
  if (kind === 'missing') throw new UserError(`${label}: there is no such file or folder`);
  if (kind === 'special') throw new UserError(`${label} is a device, a socket or a pipe, which is not copied`);
  if (isFolder && kind !== 'directory') throw new UserError(`${label} is not a folder`, { hint: 'leave out the slash at its end' });
}

function refuseTarget(from: Place, fromKind: Kind, to: Place | LocalPlace, kind: Kind): void {
  if (kind === 'special') throw new UserError(`${to.label} is a device, a socket or a pipe, which is not written to`);
  if (kind === 'missing' && to.isFolder && fromKind !== 'directory')
    throw new UserError(`${to.label}: there is no such folder`, { hint: 'make it first' });
  if (kind === 'file' && fromKind === 'directory')
    throw new UserError(`${to.label} is a file, and ${from.label} is a folder, which cannot take its place`);
  if (kind === 'file' && to.isFolder) throw new UserError(`${to.label} is not a folder`, { hint: 'leave out the slash at its end' });
}

async function unpack(from: Readable, target: Worker, to: Place): Promise<Copied> {
  const leftOut: string[] = [];
  let count = 0;
  const leaveOut = (path: string): void => {
    if (count++ === 0) leftOut.push(path);
  };
  try {
    const copied = await transfer(from, target, { before: (source) => unpackTar(source, leaveOut) });
    return { ...copied, leftOut: leftOut.map((first) => leftOutWords(count, first, to)) };
  } catch (error) {
    if (error instanceof ArchiveError) throw target.refuse(error);
    throw codeOf(error) === undefined ? error : systemError('cannot read the archive', error);
  }
}

/** The error of a side that only saw the other one end. */
function isOfOther(error: unknown): boolean {
  return error instanceof CopyError && GONE.has(error.code);
}

type Conversion = (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>;

/**
 * From end to end. Each side has a word when it is complete; of two errors that of the source counts, unless the other side made it.
 * @param after makes the archive of what a helper sends, @param before what a helper takes of an archive
 */
async function transfer(
  source: Worker | Readable,
  target: Worker | Writable,
  { after, before }: { after?: Conversion; before?: Conversion } = {},
): Promise<Copied> {
  const workers = [source, target].filter((side) => side instanceof Worker);
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const input = source instanceof Worker ? source.stdout : source;
  const output = target instanceof Worker ? target.stdin : target;
  for (const worker of workers) worker.proceed();
  const stages = [input, ...(after ? [after] : []), counter, ...(before ? [before] : []), output] as unknown as NodeJS.ReadWriteStream[];
  const piped = pipeline(stages, { end: target instanceof Worker });
  try {
    const [flow, ...ends] = await Promise.allSettled([piped, ...workers.map((worker) => worker.done())]);
    const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    const error = errors.find((candidate) => !isOfOther(candidate)) ?? errors[0];
    if (flow.status === 'rejected') {
      const isGone = GONE.has(codeOf(flow.reason) ?? '');
      if (!(target instanceof Worker) && isGone) throw new UserError('whoever was to read the archive went away', { cause: flow.reason });
      if (!(source instanceof Worker) && !isGone) throw flow.reason;
      if (flow.reason instanceof BrokenFrames && (error === undefined || isOfOther(error)))
        throw new UserError(`no archive can be made: ${printable(flow.reason.message)}`, { cause: flow.reason });
      throw error ?? flow.reason;
    }
    if (error !== undefined) throw error;
    return { bytes, leftOut: ends.flatMap((end) => (end.status === 'fulfilled' && end.value !== undefined ? [end.value] : [])) };
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}
