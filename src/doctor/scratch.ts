import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerCgroup } from '../cgroup/container.js';
import { destroyCgroup } from '../cgroup/destroy.js';
import { NoCgroup } from '../cgroup/none.js';
import type { CgroupFacts } from '../host/facts.js';
import { helperVerbs } from '../launch/verbs.js';
import type { Layout, RootSource } from '../plan/layout.js';
import { type HostPath, toHostPath } from '../plan/step.js';
import type { Resources } from '../spec/types.js';
import type { NewRecord } from '../state/claim.js';
import { systemError } from '../state/failure.js';
import { ownIdentity } from '../state/lock.js';
import { temporaryPath } from '../state/temporary.js';

/** The first part of every name that a check gives to what it makes: `leftovers` finds it should we be killed. */
export const SCRATCH = 'crt-doctor';

/**
 * A root of ours to make things in: itself or, where it is not there yet, a folder in what would hold it, which goes again.
 * @throws UserError when nothing can be made there
 */
export async function inRoot<T>(root: HostPath, work: (root: HostPath) => T | Promise<T>): Promise<T> {
  if (isThere(root)) return work(root);
  const folder = temporaryPath({ state: standing(root), layers: root }, SCRATCH, ownIdentity());
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw systemError(`cannot make ${root}`, error);
  }
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The path itself, or the nearest folder above that is there. */
export function standing(path: HostPath): HostPath {
  return isThere(path) || path === '/' ? path : standing(toHostPath(dirname(path)));
}

/** Also where it cannot be looked at: whoever works on it says why. */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** A record as a start writes it, of a container that makes nothing more. */
export function scratchRecord(name: string, layer?: HostPath): NewRecord {
  return {
    version: 1,
    name,
    owner: ownIdentity(),
    created: new Date().toISOString(),
    rootfs: 'none',
    rootfsKind: 'directory',
    command: ['crt', 'doctor'],
    cgroupPaths: [],
    ...(layer === undefined ? {} : { layer }),
    keep: false,
    loosened: [],
  };
}

/** Controllers that a container's limits need. */
export const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuset', 'devices'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** The cgroups as if they had this controller alone: what fails there is about it. Undefined when it is not there. */
export function aloneIn(facts: CgroupFacts, controller: Controller): CgroupFacts | undefined {
  if (facts.mode === 'v2' && facts.unified !== undefined) {
    // Version 2 has no such controller: a BPF program does its work.
    if (controller === 'devices') return { ...facts, unified: { ...facts.unified, controllers: [] } };
    if (!facts.unified.controllers.includes(controller)) return undefined;
    return { ...facts, unified: { ...facts.unified, controllers: [controller] } };
  }
  const hierarchies = facts.hierarchies.filter(({ controllers }) => controllers.includes(controller));
  return hierarchies.length === 0 ? undefined : { ...facts, hierarchies };
}

/** Makes the cgroup as `run` does, and takes it away again. @throws UserError */
export async function withCgroup<T>(cgroup: ContainerCgroup, work: () => T | Promise<T>): Promise<T> {
  cgroup.check();
  const made = cgroup.create();
  try {
    return await work();
  } finally {
    destroyCgroup(made, (procs) => helperVerbs().kill(procs));
  }
}

/** Limits that any machine can keep. Bytes, counts, microseconds. */
export const LIMITS = {
  memory: { memory: { limit: 64 * 1024 ** 2, swap: 64 * 1024 ** 2 } },
  pids: { pids: { limit: 100 } },
  cpu: { cpu: { quota: 50_000, period: 100_000 } },
} as const satisfies Record<string, Resources>;

/**
 * The layout of a start that makes nothing but its root. The staging area is mounted where surely no rootfs and no layer lies; in the
 * stage's own mount namespace, as always.
 */
export function rootLayout(root: RootSource): Layout {
  return {
    staging: toHostPath('/sys'),
    root,
    probeRoot: toHostPath('/'),
    cgroup: new NoCgroup({}),
    files: [],
    onOrphan: { argv: [], env: [] },
    filter: undefined,
    listener: undefined,
    holdBeforeExec: false,
    reaper: false,
  };
}
