import type { ContainerPath, HostPath, Step } from './step.js';

/** What the root of the container is made of. */
export type RootSource =
  /** An overlay: `lower` is never written, writes go to `upper`. `discard`: nobody reads the layer after the exit. */
  | { readonly kind: 'layer'; readonly lower: HostPath; readonly upper: HostPath; readonly work: HostPath; readonly discard: boolean }
  /** An overlay whose writes are kept in memory, at most `size` bytes of them where given. */
  | { readonly kind: 'memory'; readonly lower: HostPath; readonly size: number | undefined }
  /** The directory itself: `--writable-rootfs`. */
  | { readonly kind: 'directory'; readonly directory: HostPath };

/** A text that is bound over a file of the container, from memory. */
export interface ProvidedFile {
  readonly target: ContainerPath;
  readonly content: string;
}

/** The part of a cgroup driver that answers with steps (cgroup/driver.ts says what each is). */
export interface CgroupSteps {
  open(options: { readonly bornInside: boolean }): { readonly steps: readonly Step[]; readonly cloneInto: string | undefined };
  join(options: { readonly bornInside: boolean }): readonly Step[];
  mounts(root: string): readonly Step[];
  seal(): readonly Step[];
}

/** Where a container's parts lie on this host: what the compiler needs beside the config. All paths are chosen, none is made yet. */
export interface Layout {
  /** The state folder. The staging area is mounted on it, in the set-up mount namespace only. */
  readonly staging: HostPath;
  readonly root: RootSource;
  /** Where the command is looked for before anything is touched: the rootfs, or the host's root for the `host` rootfs. */
  readonly probeRoot: HostPath;
  readonly cgroup: CgroupSteps;
  readonly files: readonly ProvidedFile[];
  /** The control socket's folder; which start it is; milliseconds after which the monitor ends the container, 0: never. */
  readonly control: { readonly directory: HostPath; readonly start: number; readonly timeout: number };
  /** Where the output of a detached container goes: the folder, the bytes of one file (0: no limit) and how many files are kept. */
  readonly log?: { readonly directory: HostPath; readonly size: number; readonly files: number };
  /** Of stdin (1), stdout (2) and stderr (4), without a terminal, those that have no other end than the monitor. */
  readonly streams: number;
  /** What the monitor runs when the supervisor is dead: absolute paths. */
  readonly onOrphan: { readonly argv: readonly string[]; readonly env: readonly string[] };
  /** A filter that goes beside {@link filter}, before it: no setuid bits on files of the host (seccomp/set-id.ts). */
  readonly guard?: Uint8Array | undefined;
  /** A system call filter as the kernel takes it (seccomp/). */
  readonly filter: Uint8Array | undefined;
  /** Flags of seccomp(2) for {@link filter}; default none. */
  readonly filterFlags?: number;
  /** The filter that sends mount(2) to the monitor, as the kernel takes it (seccomp/mount-listener.ts). */
  readonly listener: Uint8Array | undefined;
  /** Where AppArmor takes the name of the next exec's profile; left out: the file that all LSMs share (apparmor(7)). */
  readonly apparmorFile?: string;
  /** The start waits for the supervisor once more, right before exec. */
  readonly holdBeforeExec: boolean;
  /** Run a reaper at PID 1. */
  readonly reaper: boolean;
}
