import type { ContainerCgroup } from '../cgroup/container.js';
import type { CgroupDirectory } from '../cgroup/driver.js';
import type { HostFacts } from '../host/facts.js';
import type { MountEntry } from '../host/mounts.js';
import type { Descriptor, IdRange, NamespaceName } from '../host/process-files.js';
import type { Config } from '../spec/types.js';
import type { ContainerRecord } from '../state/record.js';

export type Namespaces = Readonly<Partial<Record<NamespaceName, number>>>;

/** What /proc said of one process of the container. */
export interface ProcessEvidence {
  /** As the host numbers it. */
  readonly pid: number;
  /** Chosen by the container. */
  readonly comm: string;
  readonly isInit: boolean;
  readonly status: ReadonlyMap<string, string>;
  readonly namespaces: Namespaces;
  /** Its root folder, `/` unless it has called chroot(2). */
  readonly root: string | undefined;
  /** Text of /proc/PID/cgroup. */
  readonly cgroup: string;
  readonly oomScoreAdj: number;
  readonly descriptors: readonly Descriptor[];
  /** Mounts that it sees; undefined: those of PID 1. */
  readonly mounts: readonly MountEntry[] | undefined;
}

/** Everything that the checks judge, read once, from outside. They are pure. */
export interface Evidence {
  readonly name: string;
  readonly record: ContainerRecord;
  readonly config: Config;
  readonly facts: HostFacts;
  /** Of whoever asks. */
  readonly hostNamespaces: Namespaces;
  readonly init: ProcessEvidence;
  /** Init among them, first. All whose pid namespace is the container's, or one below it. */
  readonly processes: readonly ProcessEvidence[];
  /** Not looked at, because there were too many. */
  readonly descriptorsLeftOut: boolean;
  /** All of PID 1's mount namespace; only those below `changedRoot` where that is set. */
  readonly mounts: readonly MountEntry[];
  /** Sources of binds that are links, or lie behind one, and where they lead on the host. */
  readonly sources: ReadonlyMap<string, string>;
  /** PID 1 has called chroot(2), and no other process sees the whole of its mounts. */
  readonly changedRoot: string | undefined;
  readonly uidMap: readonly IdRange[];
  readonly gidMap: readonly IdRange[];
  /** Text of /proc/PID/limits of PID 1. */
  readonly limits: string;
  /** Its label of a security module; empty without one. */
  readonly label: string;
  /** As the config asks for it: the limits that were written. */
  readonly cgroup: ContainerCgroup;
  /** Those of the record that are there and are still the ones that were made. */
  readonly directories: readonly CgroupDirectory[];
  /** In its cgroups, and not in its pid namespace. */
  readonly strangers: readonly number[];
  /** The text of a file in one of its cgroups. */
  readonly files: ReadonlyMap<string, string>;
  /** Filters of system calls that the plan of its start loads; undefined when the plan cannot be read. */
  readonly plannedFilters: number | undefined;
  /** Other containers' ranges of ids, and what else on this machine has ids there. */
  readonly takenIds: readonly { readonly owner: string; readonly first: number; readonly count: number }[];
  /** Masked and read-only paths that this kernel has. */
  readonly kernelPaths: ReadonlySet<string>;
}

/** Words of the record that match. */
export function wordsOf({ record }: Evidence, ...patterns: readonly (string | RegExp)[]): readonly string[] {
  return record.loosened.filter((word) =>
    patterns.some((pattern) => (typeof pattern === 'string' ? word === pattern : pattern.test(word))),
  );
}

/** `12 (sleep), 14 (sh) and 3 more` */
export function nameProcesses(processes: readonly Pick<ProcessEvidence, 'pid' | 'comm'>[], most = 3): string {
  const named = processes.slice(0, most).map(({ pid, comm }) => `${pid} (${comm})`);
  return `${named.join(', ')}${processes.length > most ? ` and ${processes.length - most} more` : ''}`;
}
