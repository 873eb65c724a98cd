import type { Readable, Writable } from 'node:stream';
import type { ArchiveError } from './archive/tar-header.js';
import type { Kind, Place } from './copy-place.js';
import { BugError, UserError } from './errors.js';
import { describeErrno, stepError } from './failure.js';
import { printable } from './format/printable.js';
import { helperPath } from './launch/helper-path.js';
import { Launch } from './launch/launch.js';
import { type CopyEnd, isCopyStep } from './plan/compile-copy.js';
import { encodePlan } from './plan/encode.js';
import type { Plan } from './plan/step.js';

/** What failed at one side of a copy. */
export class CopyError extends UserError {
  /** By name: EPIPE means that the other side is to blame. */
  readonly code: string;

  constructor(message: string, code: string, hint: string | undefined) {
    super(message, hint === undefined ? {} : { hint });
    this.code = code;
  }
}

/** In words, where errno(3) alone says little: of reading and of writing. */
const WORDS: Readonly<Record<string, readonly [words: string, hint?: string]>> = {
  ENOENT: ['there is no such file or folder'],
  ENOTDIR: ['something that is no folder is in the way'],
  ELOOP: ['a link is in the way of a folder, or leads in a circle'],
  EISDIR: ['a folder is in the way of a file'],
  EXDEV: ['that is in /proc, /sys or among the cgroups, whose files are none', 'crt exec NAME cat PATH'],
  ENOSPC: ['the disk is full, or out of inodes', 'df -h; df -i'],
  EDQUOT: ['the disk quota is used up'],
  EROFS: ['it is read-only there'],
  EBADMSG: ['what was to be written broke off'],
  EINVAL: ['its name is empty or leads upwards (..), or its owner is none of the ids of the container'],
  ENOTSUP: ['a hard link leads to another file system'],
  ENAMETOOLONG: ['the path is too long, or the folders are too deep'],
  ETXTBSY: ['it is a program that runs'],
  ESRCH: ['the container has just ended'],
};

/** The same, of a tar archive. */
const ARCHIVE_WORDS: Readonly<Record<string, readonly [words: string, hint?: string]>> = {
  EBADMSG: ['the input is no tar archive, or it ends too early', 'a compressed one: gunzip -c FILE | crt cp - NAME:DIR'],
  E2BIG: ['a header of the archive, of extended attributes perhaps, is larger than 1 MiB'],
  EOPNOTSUPP: ['a sparse file is in the archive, of which the holes are not read', 'make it with tar, without --sparse (-S)'],
};

/** @param first the path of the one that came first */
export function leftOutWords(count: number, first: string, { label }: Place): string {
  return `${printable(first)}${count > 1 ? ` and ${count - 1} more` : ''} in ${label}`;
}

/** A helper process at one side. */
export class Worker {
  readonly #launch: Launch;
  readonly #plan: Plan;
  readonly #place: Place;
  readonly #end: CopyEnd;

  constructor(place: Place, end: CopyEnd) {
    this.#place = place;
    this.#end = end;
    this.#plan = place.compile(end);
    const stdio = end.kind === 'archive' ? (['ignore', 'pipe', 'ignore'] as const) : (['pipe', 'ignore', 'ignore'] as const);
    this.#launch = new Launch({ helper: helperPath(), plan: encodePlan(this.#plan), stdio, sealed: place.sealed });
  }

  get stdout(): Readable {
    return this.#launch.stdout as Readable;
  }

  get stdin(): Writable {
    return this.#launch.stdin as Writable;
  }

  /** What is there. */
  async look(): Promise<Kind> {
    return (await this.#report()) as Kind;
  }

  /** After {@link look}. Who does not look does not wait: it may have ended by now, and a word that found nobody would cost us its own. */
  proceed(): void {
    if (this.#end.look) this.#launch.proceed();
  }

  /** Complete. @returns what was left out, in words, or undefined */
  async done(): Promise<string | undefined> {
    const text = await this.#report();
    await this.#launch.closed();
    const space = text.indexOf(' ');
    if (space < 0) return undefined;
    return leftOutWords(Number(text.slice(0, space)), text.slice(space + 1), this.#place);
  }

  /** What the helper would say of an archive that it does not know. */
  refuse({ code, path }: ArchiveError): CopyError {
    return this.#copyError(code, path, ARCHIVE_WORDS[code] ?? WORDS[code] ?? [code], true);
  }

  async end(): Promise<void> {
    this.#launch.abandon();
    await this.#launch.closed();
  }

  async #report(): Promise<string> {
    const event = await this.#launch.next();
    if (event.kind === 'report') return event.text;
    if (event.kind === 'failed') throw this.#explain(event);
    throw new BugError(`the helper said ${event.kind} during a copy`);
  }

  #explain(event: { index: number; errno: number; text: string }): Error {
    const failed = this.#plan.steps[event.index];
    const { code, words } = describeErrno(event.errno);
    if (code !== 'ESRCH' && (event.errno === 0 || !isCopyStep(failed))) return stepError(this.#plan, event);
    const isWriting = this.#end.kind === 'extract' && failed?.op === 'extract';
    return this.#copyError(code, event.text, WORDS[code] ?? [words], isWriting);
  }

  #copyError(code: string, path: string, [why, hint]: readonly [words: string, hint?: string], isWriting: boolean): CopyError {
    const at = !['', '.', './'].includes(path) ? ` at ${printable(path)}` : '';
    const partial = isWriting && at !== '' ? '; what was copied before is there' : '';
    return new CopyError(`cannot ${isWriting ? 'write' : 'read'} ${this.#place.label}${at}: ${why} (${code})${partial}`, code, hint);
  }
}
