import type { HostPath } from '../plan/step.js';
import type { MountEntry } from './mounts.js';

/** One cgroup hierarchy of version 1: its controllers are mounted together at `mountpoint`. */
export interface Hierarchy {
  /** As in the mount options: `['cpu', 'cpuacct']`. */
  readonly controllers: readonly string[];
  readonly mountpoint: HostPath;
}

/** How control groups are laid out here (cgroups(7)). `none` when nothing usable is mounted. */
export interface CgroupFacts {
  readonly mode: 'v1' | 'hybrid' | 'v2' | 'none';
  /** Version 1 hierarchies; empty in mode v2. */
  readonly hierarchies: readonly Hierarchy[];
  /** The version 2 mount, where there is one. */
  readonly unified:
    | {
        readonly mountpoint: HostPath;
        readonly controllers: readonly string[] /** the supervisor's own cgroup, as in /proc/self/cgroup */;
        readonly own: string;
      }
    | undefined;
}

/** Which security modules of the kernel can be given a label for the next exec (lsm(7)). */
export interface LsmFacts {
  /** Undefined where AppArmor is off or not there. */
  readonly apparmor:
    | {
        /** Where the name of the next exec's profile is written; the shared file on kernels before 5.8. */
        readonly execFile: string;
      }
    | undefined;
  /** selinuxfs is mounted: a policy is loaded. */
  readonly selinux: boolean;
}

/** What the compiler may know about the host: probed once, handed over as a value. */
export interface HostFacts {
  readonly kernel: { readonly release: string; readonly major: number; readonly minor: number };
  /** process.arch: `x64`, `arm64`. */
  readonly arch: string;
  readonly uid: number;
  /** Ids that own crt's own files or ran sudo: their files are no surprise. */
  readonly sudoUid: number | undefined;
  readonly cgroup: CgroupFacts;
  /** Processors that this process may use (sched_getaffinity(2)). */
  readonly cpus: number;
  /** The supervisor's own oom_score_adj, −1000 to 1000. */
  readonly oomScoreAdj: number;
  /** The supervisor's bounding set, bit n for capability n: root can give no other (capabilities(7)). */
  readonly capabilities: bigint;
  readonly lsm: LsmFacts;
  /** What is mounted, as this process sees it. */
  readonly mounts: readonly MountEntry[];
}
