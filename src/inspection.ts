import type { LimitsInForce } from './cgroup/in-force.js';
import type { IdRange, NamespaceName } from './host/process-files.js';
import type { ShownStatus } from './pause.js';
import type { Config } from './spec/types.js';

/** All that is known of one container. null is what is not known, or does not apply: it does not run, or its record is damaged. */
export interface ContainerInspection {
  readonly name: string;
  /** Tells it from an earlier or later one of the same name. */
  readonly id: string | null;
  /** ISO 8601, UTC. */
  readonly created: string | null;
  /** Derived now, never remembered. */
  readonly status: ShownStatus;
  /** What is wrong with its record, for people. */
  readonly problem: string | null;
  readonly state: InspectedState;
  /** As it was asked for; the first 64 KiB of each word. */
  readonly command: readonly string[] | null;
  readonly rootfs: InspectedRootfs | null;
  readonly resources: InspectedResources | null;
  /** Its cgroup directories. `exists`: it is there, and still the one that was made for it. */
  readonly cgroups: readonly { readonly path: string; readonly exists: boolean }[];
  /** Of its PID 1, by the names of OCI configs; null when it does not run. */
  readonly namespaces: Readonly<Partial<Record<NamespaceName, InspectedNamespace>>> | null;
  /** What its PID 1 sees mounted, in the kernel's order. */
  readonly mounts: readonly InspectedMount[] | null;
  readonly users: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] } | null;
  /** Each way in which it was asked to be less strict than the defaults, in the words of docs/security.md. */
  readonly loosened: readonly string[] | null;
  /** The layer is kept after the end, until `crt rm`. */
  readonly keep: boolean | null;
  /** What happens after its end; null for one that was started in the foreground. */
  readonly restart: InspectedRestart | null;
  readonly processes: {
    /** The `crt` that started it. */
    readonly owner: InspectedProcess | null;
    /** The helper that cares for it: the parent of its PID 1. */
    readonly monitor: InspectedProcess | null;
  };
  /** `log`: the file that its output is written to; older ones beside it are `log.1` and up. */
  readonly paths: { readonly state: string | null; readonly log: string | null };
  /** The OCI runtime config that it was started by, whole. */
  readonly config: Config | null;
}

export interface InspectedState {
  /** Of its PID 1, as the host numbers it; null when it does not run. */
  readonly pid: number | null;
  /** ISO 8601, UTC; to a second. */
  readonly startedAt: string | null;
  readonly running: boolean;
  readonly paused: boolean;
  /** 0 to 255; null while it runs, or when nobody saw the end. */
  readonly exitCode: number | null;
  /** `exit`, `signal`, `oom`, `timeout`, `canceled`, `lost`. */
  readonly reason: string | null;
  readonly signal: string | null;
  /** The memory limit has ended its PID 1. */
  readonly oomKilled: boolean;
  /** Processes that the memory limit had killed when it ended; while it runs see `resources.usage.oomKills`. */
  readonly oomKills: number | null;
  readonly finishedAt: string | null;
}

export interface InspectedRootfs {
  readonly label: string;
  /** `directory`, `host` … */
  readonly kind: string;
  /** The directory below, which is never written to unless that was asked for. */
  readonly lower: string | null;
  /** Its own directory among the layers, on disk. */
  readonly layer: string | null;
  /** What it has written; null when writes are kept in memory, or go to the rootfs itself. */
  readonly upper: string | null;
  readonly work: string | null;
}

export interface InspectedResources {
  readonly limits: LimitsInForce;
  readonly usage: {
    /** Bytes. */
    readonly memory: number | null;
    /** Bytes, the most so far. */
    readonly memoryPeak: number | null;
    /** Processes and threads. */
    readonly pids: number | null;
    /** Processes that the memory limit has killed. */
    readonly oomKills: number | null;
  };
}

export interface InspectedNamespace {
  /** Inode number: two processes with the same one share it. */
  readonly inode: number;
  /** Of whoever asks. */
  readonly host: number | null;
  readonly isOwn: boolean;
}

export interface InspectedMount {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  /** The folder of that file system that is shown. */
  readonly root: string;
  readonly options: readonly string[];
  readonly superOptions: readonly string[];
}

export interface InspectedProcess {
  readonly pid: number;
  readonly alive: boolean;
}

export interface InspectedRestart {
  readonly policy: 'no' | 'on-failure' | 'always';
  /** `on-failure`: how often in a row at most; null = without end. */
  readonly retries: number | null;
  /** Starts so far, from 1. */
  readonly starts: number;
  /** Restarts in a row, the one that is due included. */
  readonly count: number;
  /** When the next one is due, ISO 8601, UTC; null: none is. */
  readonly due: string | null;
  /** Why the last try to start it again failed, for people; null: it did not. */
  readonly error: string | null;
}
