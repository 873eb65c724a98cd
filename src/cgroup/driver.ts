import type { HostPath, Step } from '../plan/step.js';
import type { Resources } from '../spec/types.js';
import type { CgroupCounters } from './counters.js';

/** A directory that `create` made, with its inode number: proof of ownership for a later undo. */
export interface CgroupDirectory {
  readonly path: HostPath;
  readonly inode: number;
}

/** Counters of one container's cgroup. Bytes and counts; undefined where the kernel does not say. */
export interface CgroupStats {
  readonly memoryUsage: number | undefined;
  readonly memoryPeak: number | undefined;
  readonly memoryLimit: number | undefined;
  /** Processes that the memory limit killed, descendants included. */
  readonly oomKills: number | undefined;
  readonly pids: number | undefined;
}

/** One container's cgroup: the same questions for version 1, hybrid and version 2 (see open.ts for the chooser). */
export interface Cgroup {
  /** Every directory that `create` will make, parents first. */
  readonly paths: readonly HostPath[];
  /** @throws UserError when the name is one of the kernel's on version 2, a controller is missing, or a limit cannot work here. Touches nothing. */
  check(): void;
  /**
   * Makes the directories and sets the limits, reading back what was set. Removes what it made when it fails.
   * @throws UserError, also when one of them exists already: it is never adopted.
   */
  create(): readonly CgroupDirectory[];
  /**
   * Steps of the stage, before `clone`, that open what the join needs. On version 2 the slot for CLONE_INTO_CGROUP, if init is to be
   * born inside: not from a user namespace, whose root may not write to the cgroups above (cgroups(7), "Delegation containment").
   */
  open(options: { readonly bornInside: boolean }): { readonly steps: readonly Step[]; readonly cloneInto: string | undefined };
  /** Steps of init that join, by what {@link open} has opened; none if it is born inside. Must come first of all of init's. */
  join(options: { readonly bornInside: boolean }): readonly Step[];
  /** Steps of init that show the cgroup inside, at /sys/fs/cgroup; after the cgroup namespace is unshared and /sys is mounted. */
  mounts(root: string): readonly Step[];
  stats(): CgroupStats;
  /** All counters, for a command that shows them; {@link stats} costs a start and `crt ps` less. */
  counters(): CgroupCounters;
  /** The limits in force. */
  memory(): MemoryLimits;
  /**
   * Sets the resources that this driver was opened with on a container that runs: in the order that the kernel allows, each read back.
   * All or nothing.
   * @returns what takes it back, for a caller that fails afterwards.
   * @throws UserError, also for a memory limit below the use.
   */
  update(options: UpdateOptions): () => void;
  /** Process ids in the cgroup, as the host sees them. */
  pids(): readonly number[];
}

/** Bytes, as the OCI specification means them. */
export interface MemoryLimits {
  /** undefined: none. */
  readonly limit: number | undefined;
  /** Memory plus swap; -1 = unlimited; undefined where the kernel does not count swap. */
  readonly swap: number | undefined;
}

export interface UpdateOptions {
  /** The directories that the container has. */
  readonly own: readonly CgroupDirectory[];
  /** Version 2: set a memory limit below the use too, for which the kernel may kill. Version 1 never can. */
  readonly force: boolean;
  /** Called with directories that had to be made, before any process is in there; and with none when they were removed again. */
  readonly note: (made: readonly CgroupDirectory[]) => void;
}

export type OpenCgroup = (name: string, resources: Resources) => Cgroup;
