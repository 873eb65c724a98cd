/**
 * The part of the OCI runtime specification 1.2 that crt understands (config.md, config-linux.md), with the
 * specification's own names. Sizes are bytes, times are what the specification says.
 */
export interface Config {
  ociVersion: string;
  root: Root;
  hostname?: string;
  domainname?: string;
  mounts: Mount[];
  process: Process;
  linux: Linux;
  annotations?: Record<string, string>;
}

export interface Root {
  /** Absolute path on the host. */
  path: string;
  readonly?: boolean;
}

export interface Mount {
  /** Absolute, inside the container. */
  destination: string;
  type?: string;
  /** A host path for a bind, else the file system's source text. */
  source?: string;
  /** mount(8) options: `ro`, `nosuid`, `rbind`, and those of the file system. */
  options?: string[];
}

export interface Process {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  cwd: string;
  env: string[];
  args: string[];
  user: User;
  rlimits?: Rlimit[];
  capabilities?: Capabilities;
  noNewPrivileges?: boolean;
  oomScoreAdj?: number;
  apparmorProfile?: string;
  selinuxLabel?: string;
}

/** `username` is resolved inside the rootfs by the helper: `name`, `uid`, `name:group`, `uid:gid`. It wins over uid and gid. */
export interface User {
  uid: number;
  gid: number;
  umask?: number;
  additionalGids?: number[];
  username?: string;
}

export interface Rlimit {
  /** `RLIMIT_NOFILE` … (getrlimit(2)). */
  type: string;
  /** 18446744073709551615 means unlimited. */
  soft: number | bigint;
  hard: number | bigint;
}

export interface Capabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

export type NamespaceType = 'mount' | 'pid' | 'network' | 'uts' | 'ipc' | 'cgroup' | 'user' | 'time';
export interface Namespace {
  type: NamespaceType;
  path?: string;
}

/** A range of ids inside and the host's ids that stand for it (user_namespaces(7)). */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface Linux {
  namespaces: Namespace[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  devices?: Device[];
  cgroupsPath?: string;
  resources?: Resources;
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: 'shared' | 'slave' | 'private' | 'unbindable';
  seccomp?: Seccomp;
}

/** `linux.seccomp`: which system calls get through. What no rule matches gets the default action. */
export interface Seccomp {
  defaultAction: SeccompAction;
  /** errno(3) of the default action where that is SCMP_ACT_ERRNO, 0 to 4095; default EPERM. */
  defaultErrnoRet?: number;
  /** Besides the machine's own: `SCMP_ARCH_X86` … */
  architectures?: string[];
  flags?: SeccompFlag[];
  syscalls?: SeccompRule[];
}

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_NOTIFY';

export type SeccompFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';

/** One action for the calls of these names whose arguments all compare true. */
export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  /** As {@link Seccomp.defaultErrnoRet}. */
  errnoRet?: number;
  args?: SeccompArg[];
}

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

/** A comparison of 64 bits without sign. */
export interface SeccompArg {
  /** Which argument, 0 to 5. */
  index: number;
  /** The right side; with SCMP_CMP_MASKED_EQ the mask. */
  value: number | bigint;
  /** SCMP_CMP_MASKED_EQ: what the masked argument equals, default 0. */
  valueTwo?: number | bigint;
  op: SeccompOperator;
}

export interface Device {
  type: 'c' | 'b' | 'u' | 'p';
  path: string;
  major: number;
  minor: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface Resources {
  memory?: {
    /** Bytes. */
    limit?: number | bigint;
    /** Memory plus swap in bytes, as the specification means it; equal to `limit` = no swap. */
    swap?: number | bigint;
  };
  cpu?: {
    /** cgroup v1 cpu.shares, 2 to 262144. */
    shares?: number;
    /** Microseconds a period. */
    quota?: number;
    /** Microseconds. */
    period?: number;
    /** `0-3,5` */
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  /** The device filter; the last rule that speaks of a device decides. */
  devices?: DeviceRule[];
}

/** What is left out, or -1, stands for all of it. */
export interface DeviceRule {
  allow: boolean;
  /** `a`: both. */
  type?: 'a' | 'b' | 'c';
  major?: number;
  minor?: number;
  /** Letters: `r` read, `w` write, `m` mknod(2). */
  access?: string;
}
