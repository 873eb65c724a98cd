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
