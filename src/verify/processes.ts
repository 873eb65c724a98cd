import { listPids } from '../cgroup/directory.js';
import { parseMounts } from '../host/mounts.js';
import { type ProcessIdentity, startTime } from '../host/process.js';
import { descriptorsOf, namespacesOf, parseStatusFile, processIds, readProcessFile, rootOf } from '../host/process-files.js';
import type { ProcessEvidence } from './evidence.js';

/** In all: a container may open millions. */
const MOST_DESCRIPTORS = 20_000;

/** All processes of the container, PID 1 first: by their pid namespace, which no process can leave. */
export function gatherProcesses(init: ProcessIdentity): { processes: readonly ProcessEvidence[]; descriptorsLeftOut: boolean } {
  const own = namespacesOf(init.pid);
  let left = MOST_DESCRIPTORS;
  const processes = [init.pid, ...membersOf(own.pid).filter((pid) => pid !== init.pid)].flatMap((pid) => {
    const seen = lookAt(pid, pid === init.pid, own.mount, left);
    left -= seen?.descriptors.length ?? 0;
    return seen ?? [];
  });
  return { processes, descriptorsLeftOut: left <= 0 };
}

/** Those in the namespace, and in one below it: their parents, or the parents of these, are in it. */
function membersOf(namespace: number | undefined): readonly number[] {
  if (namespace === undefined) return [];
  const all = new Map(processIds().map((pid) => [pid, namespacesOf(pid).pid]));
  const host = namespacesOf('self').pid;
  const isMember = (pid: number, steps: number): boolean => {
    const own = all.get(pid);
    if (own === namespace) return true;
    // Nobody is followed out of the host's own, which has nearly all; nor around in a circle, which renumbered processes could make.
    if (own === undefined || own === host || steps > 64) return false;
    const parent = Number(parseStatusFile(readProcessFile(pid, 'status') ?? '').get('PPid'));
    return parent > 0 && isMember(parent, steps + 1);
  };
  return [...all.keys()].filter((pid) => isMember(pid, 0));
}

/** undefined when it has ended, or its number is another's by now. */
function lookAt(pid: number, isInit: boolean, mount: number | undefined, mostDescriptors: number): ProcessEvidence | undefined {
  const began = startTime(pid);
  const read = (file: string): string => readProcessFile(pid, file) ?? '';
  const namespaces = namespacesOf(pid);
  const status = parseStatusFile(read('status'));
  // One that has ended and waits for its parent has no rights, files or memory any more.
  const isOver = /^[ZX]/.test(status.get('State') ?? 'X');
  const seen: ProcessEvidence = {
    ...{ pid, isInit, status, namespaces },
    comm: read('comm').trim(),
    root: rootOf(pid),
    cgroup: read('cgroup'),
    oomScoreAdj: Number(read('oom_score_adj')),
    descriptors: descriptorsOf(pid, Math.max(0, mostDescriptors)) ?? [],
    mounts: namespaces.mount === mount ? undefined : parseMounts(read('mountinfo')),
  };
  return isOver || began === undefined || startTime(pid) !== began ? undefined : seen;
}

/** Who is in the cgroups and is none of the container's. */
export function strangersIn(directories: readonly string[], processes: readonly ProcessEvidence[]): readonly number[] {
  const known = new Set(processes.map(({ pid }) => pid));
  const namespaces = new Set(processes.map((process) => process.namespaces.pid));
  const inside = [...new Set(directories.flatMap(listPids))];
  return inside.filter((pid) => {
    const namespace = known.has(pid) ? undefined : namespacesOf(pid).pid;
    // Gone meanwhile, or born meanwhile.
    return namespace !== undefined && !namespaces.has(namespace);
  });
}
