import { lstatSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { destroyCgroup } from '../cgroup/destroy.js';
import type { CgroupFacts } from '../host/facts.js';
import { bootId, isAlive, isForeign } from '../host/process.js';
import { sweepIds } from '../ids.js';
import { helperVerbs } from '../launch/verbs.js';
import { removeLayer } from '../layer.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import { removeTree } from '../remove-tree.js';
import { ownIdentity } from '../state/lock.js';
import { read } from '../state/store.js';
import { undo } from '../undo.js';
import type { Context } from './check.js';
import { isThere } from './scratch.js';
import { type Maker, makerOf, makerOfFolder } from './scratch-name.js';

type Looking = Pick<Context, 'roots' | 'facts'>;

/** Takes away what doctors that were killed have made. What cannot be taken away is for `leftovers` to tell. */
export function sweepDead(context: Looking): void {
  sweep(context, (maker) => !isAlive({ ...maker, bootId: bootId() }));
}

/** The same for what this one has made, once its checks have ended: their own clean-up fails without a free descriptor. */
export function sweepOwn(context: Looking): void {
  const { pid, startTime } = ownIdentity();
  sweep(context, (maker) => !isForeign(maker) && maker.pid === pid && maker.startTime === startTime);
}

function sweep(context: Looking, isOver: (maker: Maker) => boolean): void {
  const verbs = helperVerbs();
  const made = (parents: readonly HostPath[], makerIn: typeof makerOf): HostPath[] =>
    [...new Set(parents)].flatMap((parent) =>
      children(parent).filter((path) => {
        const maker = makerIn(basename(path));
        return maker !== undefined && isOver(maker) && isOurs(path);
      }),
    );
  // None where a disk does not answer.
  const roots = attempt(() => context.roots);
  if (roots !== undefined) {
    each(
      () => made([roots.state], makerOf),
      (path) => {
        const record = read(roots, basename(path))?.record;
        undo(path, { roots, verbs }, record === undefined ? { discard: true, force: true } : { claim: record.id });
      },
    );
    each(
      () => made([roots.layers], makerOf),
      (path) => {
        removeLayer(roots.layers, path);
        sweepIds(roots);
      },
    );
    // Where a root is not there yet, in what would hold it.
    each(
      () => made([roots.state, ...above(roots.state), ...above(roots.layers)], makerOfFolder),
      (path) => removeTree(path),
    );
  }
  each(
    () => made(tops(context.facts.cgroup), makerOf),
    (path) => destroyCgroup([{ path, inode: lstatSync(path).ino }], (procs) => verbs.kill(procs)),
  );
}

/** One that cannot be taken away keeps no other back. */
function each<T>(find: () => readonly T[], work: (one: T) => void): void {
  for (const one of attempt(find) ?? []) attempt(() => work(one));
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function tops({ mode, hierarchies, unified }: CgroupFacts): HostPath[] {
  return mode === 'v2' && unified ? [toHostPath(`${unified.mountpoint}/crt`)] : hierarchies.map(({ mountpoint }) => mountpoint);
}

function children(parent: HostPath): HostPath[] {
  if (!isThere(parent)) return [];
  return readdirSync(parent).map((name) => toHostPath(`${parent === '/' ? '' : parent}/${name}`));
}

/** A folder in which nobody else can have put anything: some lie in /tmp. */
function isOurs(path: HostPath): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === 0 && (stat.mode & 0o022) === 0;
}

function above(path: HostPath): HostPath[] {
  return path.split('/').map((_, at, parts) => toHostPath(parts.slice(0, at).join('/') || '/'));
}
