import { existsSync } from 'node:fs';
import { readNumber, readText } from './files.js';

/** How often a container's cgroup has met its limits, since it was made. */
export interface LimitCounters {
  /** Processes that the memory limit killed. */
  readonly oomKills: number;
  /** Times that memory reached its limit: `memory.failcnt` on version 1, `max` of `memory.events` on 2. Most end without a kill, for the kernel first takes back what it can. */
  readonly memoryHits: number;
  /** Forks that the limit on processes refused: `max` of `pids.events`. */
  readonly pidsHits: number;
}

/** @param paths the cgroup directories of one container; what is missing counts as 0 */
export function limitCounters(paths: readonly string[]): LimitCounters {
  const sum = (one: (path: string) => number): number => paths.reduce((total, path) => total + one(path), 0);
  return {
    oomKills: sum((path) => field(`${path}/memory.oom_control`, 'oom_kill') + field(`${path}/memory.events`, 'oom_kill')),
    memoryHits: sum((path) => whole(`${path}/memory.failcnt`) + field(`${path}/memory.events`, 'max')),
    pidsHits: sum((path) => field(`${path}/pids.events`, 'max')),
  };
}

function whole(path: string): number {
  return existsSync(path) ? (readNumber(path) ?? 0) : 0;
}

/** The number of a line `KEY NUMBER`. Looked for first: an exception for each file that a hierarchy lacks would cost more than the rest. */
function field(path: string, key: string): number {
  const text = existsSync(path) ? readText(path) : undefined;
  const line = text?.split('\n').find((each) => each.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1)) || 0;
}
