import { lstatSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UserError } from './errors.js';
import { type HostPath, toHostPath } from './plan/step.js';
import { IDS } from './spec/defaults.js';
import { codeOf, systemError } from './state/failure.js';
import type { ContainerRecord } from './state/record.js';
import { ensureRoot, makeFolders, type Roots } from './state/roots.js';
import { read } from './state/store.js';
import { readdirIfThere } from './state/temporary.js';

/*
 * User ids of the host that stand for those of a container (user_namespaces(7)). Each container has a range that no user of
 * this machine and no other container has: who breaks out is nobody. A range is claimed by a symbolic link in the layers root,
 * `.ids/HEX`, whose text says whose it is: made whole by one system call, so of two claimers one wins.
 */

/** 0x70000000 to 0x7ffdffff: above every id that is given to users and by subuid(5), below those of systemd-nspawn's foreign ids. */
const FIRST = 0x70000000;
const RANGES = (0x7ffe0000 - FIRST) / IDS;

/** Where ids of people and of their own containers are written down, which are not for us. */
const FILES: readonly string[] = ['/etc/passwd', '/etc/group', '/etc/subuid', '/etc/subgid'];

/** A range was claimed by another container at the same moment: choose again. */
export class IdsTaken extends Error {
  override readonly name = 'IdsTaken';
}

/** The first host id of a range that nobody has, chosen by chance; touches nothing. @throws UserError when there is none. */
export function chooseIds(roots: Roots): number {
  const used = new Set(readClaims(roots));
  const reserved = reservedRanges();
  const start = Math.floor(Math.random() * RANGES);
  for (let i = 0; i < RANGES; i++) {
    const base = FIRST + ((start + i) % RANGES) * IDS;
    const isFree = !used.has(base.toString(16)) && !reserved.some(([first, count]) => first < base + IDS && base < first + count);
    if (isFree) return base;
  }
  throw new UserError(`all ${RANGES} ranges of user ids are taken by containers`, {
    hint: 'crt ps -a, and crt rm what is not needed',
    check: 'leftovers',
  });
}

/** Who else has ids where containers have theirs: other containers, by their claims, and what this machine's files give to people. */
export function takenIds(roots: Roots, id: string): readonly { readonly owner: string; readonly first: number; readonly count: number }[] {
  const claims = readClaims(roots).flatMap((name) => {
    const owner = readOwner(roots, name);
    return owner === undefined || owner.id === id
      ? []
      : [{ owner: basename(owner.directory), first: Number.parseInt(name, 16), count: IDS }];
  });
  return [...claims, ...reservedRanges().map(([first, count]) => ({ owner: FILES.join(', '), first, count }))];
}

function readClaims(roots: Roots): readonly string[] {
  try {
    return readdirIfThere(folder(roots));
  } catch (error) {
    throw systemError(`cannot read ${folder(roots)}`, error, 'layers-dir');
  }
}

/** Claims the range of a container whose name is claimed. @throws IdsTaken; UserError when the disk is full or read-only. */
export function claimIds(roots: Roots, base: number, directory: HostPath, record: ContainerRecord): void {
  const words = `${record.id}\n${record.layer ?? ''}\n${directory}`;
  try {
    ensureRoot(roots.layers, 'layers-dir');
    try {
      symlinkSync(words, link(roots, base));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      makeFolders(folder(roots), 0o700);
      symlinkSync(words, link(roots, base));
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new IdsTaken(`the ids from ${base} are taken`, { cause: error });
    throw systemError(`cannot write down the user ids in ${folder(roots)}`, error, 'layers-dir');
  }
}

/** Gives a container's range back; nothing happens when it is not this container's, or no longer. */
export function releaseIds(roots: Roots, record: ContainerRecord): void {
  if (record.ids === undefined || readOwner(roots, record.ids.toString(16))?.id !== record.id) return;
  remove(link(roots, record.ids));
}

/** Gives back what containers that are gone have left: a restart empties /run and not /var. */
export function sweepIds(roots: Roots): void {
  for (const path of lostIds(roots)) remove(path);
}

/** Claims of containers that are gone. */
export function lostIds(roots: Roots): readonly HostPath[] {
  const isLost = (name: string): boolean => {
    const owner = readOwner(roots, name);
    if (owner === undefined) return false;
    const isThere = read({ state: toHostPath(dirname(owner.directory)) }, basename(owner.directory))?.record?.id === owner.id;
    const hasLayer = owner.layer !== '' && lstatSync(owner.layer, { throwIfNoEntry: false }) !== undefined;
    return !isThere && !hasLayer;
  };
  return readdirIfThere(folder(roots))
    .filter(isLost)
    .map((name) => toHostPath(`${folder(roots)}/${name}`));
}

function folder(roots: Roots): HostPath {
  return toHostPath(`${roots.layers}/.ids`);
}

function link(roots: Roots, base: number): HostPath {
  return toHostPath(`${folder(roots)}/${base.toString(16)}`);
}

function readOwner(roots: Roots, name: string): { id: string; layer: string; directory: HostPath } | undefined {
  try {
    const [id = '', layer = '', directory = ''] = readlinkSync(`${folder(roots)}/${name}`).split('\n');
    return { id, layer, directory: toHostPath(directory) };
  } catch {
    return undefined;
  }
}

function remove(path: HostPath): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw systemError(`cannot remove ${path}`, error, 'layers-dir');
  }
}

/** Ranges that hold an id which belongs to somebody: `[first, count]`. Names that only a directory service knows are not seen. */
function reservedRanges(): readonly (readonly [first: number, count: number])[] {
  return FILES.flatMap((file) => givenRanges(readIfThere(file), file.includes('/sub')));
}

/**
 * What lines of passwd(5) and group(5), or of subuid(5) and subgid(5), give to somebody where containers have their ids. Those who read the latter
 * take numbers of every base of strtoul(3), and blanks before them.
 */
export function givenRanges(text: string, isSub: boolean): readonly (readonly [first: number, count: number])[] {
  const lines = text.matchAll(isSub ? /^[^:\n]*:([^:\n]+):([^:\n]+)/gm : /^[^:\n]*:[^:\n]*:([^:\n]+)/gm);
  const read = (number: string): number => (isSub && /^\s*\+?0\d/.test(number) ? Number.parseInt(number, 8) : Number(number));
  return [...lines]
    .map(([, first = '', count = '1']) => [read(first), read(count)] as const)
    .filter(([first, count]) => first + count > FIRST);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
