import type { Plan } from './plan/step.js';
import type { Config } from './spec/types.js';

/** A bind mount, a tmpfs, or (`type` omitted) a bind. Paths: `source` on the host, `target` absolute inside. */
export interface MountOption {
  type?: 'bind' | 'tmpfs';
  source?: string;
  target: string;
  readonly?: boolean;
  /** tmpfs: bytes. */
  size?: number;
  /** tmpfs: permission bits of its root, default 0o1777. */
  mode?: number;
}

/** A device of the host inside, `--device`. */
export interface DeviceOption {
  /** The host's node, absolute; a link is followed. */
  source: string;
  /** Where it is inside: below /dev, the only place where devices work. Default: as `source`. */
  target?: string;
  /** Some of `r` read, `w` write, `m` make further nodes of it: for the device filter of the cgroup. Default `rwm`. */
  access?: string;
}

/** The parts of an SELinux context that differ from {@link SecurityOptions.label}'s base, container-selinux's. */
export interface LabelParts {
  user?: string;
  role?: string;
  type?: string;
  level?: string;
}

/** `--security-opt`, structured. */
export interface SecurityOptions {
  /** Setuid files and file capabilities give nothing (prctl(2), PR_SET_NO_NEW_PRIVS). Default true. */
  noNewPrivileges?: boolean;
  /** `unconfined`: no filter of system calls; else the absolute path of a profile on the host. Default: crt's own filter. */
  seccomp?: string;
  /**
   * Let programs set setuid and setgid bits and file capabilities although a folder of the host is mounted writable: on the host, a file
   * that root inside makes there belongs to user 0. Default false.
   */
  setId?: boolean;
  /** Absolute paths inside to cover beside the defaults. */
  mask?: readonly string[];
  /** What of the default masks and read-only paths is left as it is: `ALL`, or paths in which `*` and `?` match within one part. */
  unmask?: 'ALL' | readonly string[];
  /** The name of a loaded AppArmor profile (apparmor(7)), or `unconfined`. Default: none. */
  apparmor?: string;
  /** An SELinux context, the parts that differ from `system_u:system_r:container_t:s0`, or `disable`. Default: none. */
  label?: string | LabelParts;
}

/** What a stream of the command is: captured, the caller's own, or nothing. */
export type OutputOption = 'pipe' | 'inherit' | 'ignore';

/** The options of {@link run}. Sizes are bytes, times milliseconds, always. */
export interface RunOptions {
  /** `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`: the hostname, the cgroup's name and the state folder's. */
  name: string;
  /** A directory; default: `CRT_ROOTFS`, `/ubuntu_rootfs` when it is there, else `host`. */
  rootfs?: string;
  /** The command and its arguments; default `/bin/bash`, else `/bin/sh`. */
  command?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Absolute inside the container; made when missing. Default `/`. */
  cwd?: string;
  /** `name`, `uid`, `name:group`, `uid:gid`; names are looked up inside the rootfs. In a user namespace ids are 0 to 65535. Default root. */
  user?: string;
  hostname?: string;
  /** Bytes, at least 6 MiB. */
  memory?: number;
  /** Bytes of memory plus swap (docker's meaning); −1 = unlimited swap. Default: equal to `memory`, no swap. */
  memorySwap?: number;
  /** CPUs' worth of time, for example 0.5. */
  cpus?: number;
  /** Relative weight, 2 to 262144. */
  cpuShares?: number;
  /** `0-1,3` */
  cpusetCpus?: string;
  /** Default 2048; −1 = unlimited. */
  pidsLimit?: number;
  /** `nofile: [soft, hard]`; −1 = unlimited. */
  ulimits?: Readonly<Record<string, readonly [soft: number, hard: number]>>;
  /** Milliseconds after which the container is killed. */
  timeout?: number;
  mounts?: readonly MountOption[];
  /** Capabilities beside the default eleven (capabilities(7)): any case, with or without `CAP_`; `ALL` is all that crt itself has. */
  capAdd?: readonly string[];
  /** Capabilities to take from the default eleven; `ALL` and then `capAdd` leaves those. */
  capDrop?: readonly string[];
  securityOpt?: SecurityOptions;
  devices?: readonly DeviceOption[];
  /**
   * All capabilities that crt itself has, no filter of system calls, no masks and read-only paths, a writable /sys, all devices
   * allowed by the device filter, no user namespace. What another option asks for, such as `capDrop` or a mask, still holds.
   */
  privileged?: boolean;
  /** `none`: loopback only, the default. `host`: no network namespace, the machine's own network with all that listens on it. */
  network?: 'none' | 'host';
  /**
   * `auto`, the default: a user namespace with a range of ids of the container's own, so that root inside is nobody outside. `host`: none;
   * root inside is root of the host, less capabilities.
   */
  userns?: 'auto' | 'host';
  /** Further groups by number, 0 to 65535; without a user namespace to 4294967294. */
  groupAdd?: readonly number[];
  /** Make the root file system read-only. */
  readOnly?: boolean;
  /** Put a reaper at PID 1 that forwards signals and reaps orphans. */
  init?: boolean;
  /** Write to the rootfs directory itself. */
  writableRootfs?: boolean;
  /** Bytes that the writable layer may take. */
  storageSize?: number;
  /** Keep the writable layer after the exit, until `crt rm`. */
  keep?: boolean;
  /** Give the command a terminal of its own. With `stdin`/`stdout` inherited it is relayed to the caller's. */
  tty?: boolean | { rows: number; columns: number };
  /** Text or bytes for stdin, `inherit` for the caller's stdin, default: at end of file. */
  input?: string | Uint8Array | NodeJS.ReadableStream | 'inherit';
  stdout?: OutputOption;
  stderr?: OutputOption;
  /** Bytes of each captured stream; more fails the run. Default 100 MiB. */
  maxBuffer?: number;
  /** Aborting kills the container. */
  signal?: AbortSignal;
  /**
   * Called once, as soon as the plan exists, before anything on the host is touched. Should another start take the user ids meanwhile,
   * those that the container gets are others.
   */
  onPlan?: (plan: Plan, config: Config) => void;
  /** Called with the step results when the container is set up, before the command is exec'd. The start waits for it. */
  onSteps?: (results: readonly StepResult[], container: { pid: number }) => void | Promise<void>;
  /** Called when the command is running. */
  onStart?: (container: RunningContainer) => void;
  /** One-line notices for people: which rootfs was taken, a rootfs owned by another user. */
  onNotice?: (text: string) => void;
}

/** What is to happen when a detached container has ended. */
export interface RestartPolicy {
  /** `on-failure`: after an exit code that is not 0, or an end that nobody saw. `always`: after any end but `crt stop` and `crt kill`. */
  readonly on: 'no' | 'on-failure' | 'always';
  /** `on-failure`: how often in a row at most; undefined: without end. */
  readonly retries?: number;
}

/** The options of {@link runDetached}. Its output goes to a log. */
export interface DetachOptions extends Omit<RunOptions, 'keep' | 'input' | 'stdout' | 'stderr' | 'maxBuffer' | 'onStart'> {
  /** Remove it when it has ended. Else record, log and writable layer stay until `crt rm`. */
  readonly rm?: boolean;
  readonly restart?: RestartPolicy;
  /** Keep its input open for whoever attaches. Default: it is empty. */
  readonly stdin?: boolean;
  readonly log?: {
    /** Bytes of one file, at least 4096; default: no limit. */
    readonly maxSize?: number;
    /** Files that are kept, 1 to 1000; default 1. */
    readonly maxFiles?: number;
  };
}

/** A container that runs on its own. */
export interface DetachedContainer {
  readonly name: string;
  /** PID 1 of the container, as the host numbers it. */
  readonly pid: number;
}

/** A container whose command is running. */
export interface RunningContainer {
  readonly name: string;
  /** PID 1 of the container, as the host numbers it. */
  readonly pid: number;
  /**
   * Sends a signal to the command. PID 1 of a pid namespace ignores what it does not handle (pid_namespaces(7)): of INT,
   * TERM, HUP and QUIT that would be swallowed, the container is killed instead and the result names the signal.
   */
  kill(signal?: NodeJS.Signals): void;
}

/** What one step of the plan did. */
export interface StepResult {
  /** Index in the plan, from 0. */
  readonly index: number;
  /** errno(3), 0 = success. */
  readonly errno: number;
  /** Wall time in microseconds. */
  readonly micros: number;
}

/** Why the container ended. */
export type ExitReason = 'exit' | 'signal' | 'oom' | 'timeout' | 'canceled';

/** The result of {@link run}, with execa's names where it has one. */
export interface Result {
  readonly name: string;
  readonly command: readonly string[];
  /** The command's exit code as a shell reports it: 128+n for a signal, 124 for the timeout. */
  readonly exitCode: number;
  /** `SIGKILL` …, when a signal ended the command. */
  readonly signal: NodeJS.Signals | undefined;
  /** Captured output, empty unless `stdout` is `pipe`. Undecodable bytes become U+FFFD; `stdoutBytes` has them all. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  readonly failed: boolean;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
  readonly isTerminated: boolean;
  /** PID 1 was killed by the memory limit. */
  readonly oomKilled: boolean;
  /** Kills by the memory limit inside the container while it ran, PID 1 included. */
  readonly oomKills: number;
  /** The name of the process that the memory limit killed last, where the kernel's log tells. */
  readonly oomVictim: string | undefined;
  readonly reason: ExitReason;
  /** Milliseconds from the call of `run` to the end of the clean-up. */
  readonly durationMs: number;
  readonly usage: {
    /** Bytes: the peak of the container's memory cgroup. */
    readonly peakMemory: number | undefined;
    /** Bytes: the limit in force. */
    readonly memoryLimit: number | undefined;
    /** Milliseconds of processor time, user and system, of all reaped processes. */
    readonly cpuUserMs: number;
    readonly cpuSystemMs: number;
  };
}

/** The options of {@link exec}. Times are milliseconds. What is not said here is as for PID 1 of the container. */
export interface ExecOptions {
  /** The command and its arguments. */
  command: readonly string[];
  /** Beside the variables that the container was started with, or in the place of those. */
  env?: Readonly<Record<string, string>>;
  /** Absolute inside the container; it has to be there. Default: where PID 1 was started. */
  cwd?: string;
  /** `name`, `uid`, `name:group`, `uid:gid`; names are looked up inside. Default: the user that PID 1 was started as. */
  user?: string;
  /** Give the command a terminal of its own. With `stdin`/`stdout` inherited it is relayed to the caller's. */
  tty?: RunOptions['tty'];
  /** Text or bytes for stdin, `inherit` for the caller's stdin, default: at end of file. */
  input?: RunOptions['input'];
  stdout?: RunOptions['stdout'];
  stderr?: RunOptions['stderr'];
  /** Bytes of each captured stream; more fails the call. Default 100 MiB. */
  maxBuffer?: number;
  /** Milliseconds after which the command is killed; what it has started is not. */
  timeout?: number;
  /** Aborting kills the command. */
  signal?: AbortSignal;
  /** Called when the command is running. `pid` is the command's, as the host numbers it; its signals are delivered as they are. */
  onStart?: (command: RunningContainer) => void;
}

/** The options of {@link execDetached}. `signal` ends the start, and nothing that runs. */
export type DetachedExecOptions = Pick<ExecOptions, 'command' | 'env' | 'cwd' | 'user' | 'signal'>;

/** The result of {@link exec}: of {@link Result} what is a command's and not a container's. */
export interface ExecResult extends Omit<Result, 'oomKilled' | 'oomKills' | 'oomVictim' | 'reason' | 'usage' | 'durationMs'> {
  readonly reason: 'exit' | 'signal' | 'timeout' | 'canceled';
  /** Milliseconds from the call of `exec` to the end of the command and of its output. */
  readonly durationMs: number;
  readonly usage: {
    /** Milliseconds of processor time, user and system, of the command and of those that it has waited for. */
    readonly cpuUserMs: number;
    readonly cpuSystemMs: number;
  };
}
