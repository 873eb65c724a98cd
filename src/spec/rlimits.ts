/**
 * Resource numbers of setrlimit(2), from asm-generic/resource.h: the same on x86_64 and aarch64 (not on alpha, mips, sparc).
 */
export const RLIMITS: ReadonlyMap<string, number> = new Map([
  ['RLIMIT_CPU', 0],
  ['RLIMIT_FSIZE', 1],
  ['RLIMIT_DATA', 2],
  ['RLIMIT_STACK', 3],
  ['RLIMIT_CORE', 4],
  ['RLIMIT_RSS', 5],
  ['RLIMIT_NPROC', 6],
  ['RLIMIT_NOFILE', 7],
  ['RLIMIT_MEMLOCK', 8],
  ['RLIMIT_AS', 9],
  ['RLIMIT_LOCKS', 10],
  ['RLIMIT_SIGPENDING', 11],
  ['RLIMIT_MSGQUEUE', 12],
  ['RLIMIT_NICE', 13],
  ['RLIMIT_RTPRIO', 14],
  ['RLIMIT_RTTIME', 15],
]);

/** RLIM_INFINITY of getrlimit(2), 2^64−1. */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** The names as `--ulimit` takes them: `nofile`, `core` … */
export const ULIMIT_NAMES: readonly string[] = [...RLIMITS.keys()].map((name) => name.slice('RLIMIT_'.length).toLowerCase());

/** The resource number of a name, `RLIMIT_NOFILE`; undefined when there is no such limit. */
export function rlimitNumber(type: string): number | undefined {
  return RLIMITS.get(type);
}
