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
  const counters = { oomKills: 0, memoryHits: 0, pidsHits: 0 };
  for (const path of paths) {
    if (existsSync(`${path}/memory.failcnt`)) {
      counters.oomKills += field(`${path}/memory.oom_control`, 'oom_kill');
      counters.memoryHits += readNumber(`${path}/memory.failcnt`) ?? 0;
    } else if (existsSync(`${path}/memory.events`)) {
      counters.oomKills += field(`${path}/memory.events`, 'oom_kill');
      counters.memoryHits += field(`${path}/memory.events`, 'max');
    }
    // Of a hierarchy of version 1 that both controllers share, and of version 2.
    counters.pidsHits += field(`${path}/pids.events`, 'max');
  }
  return counters;
}

/** The number of a line `KEY NUMBER`. Looked for first: an exception for each file that a hierarchy lacks would cost more than the rest. */
function field(path: string, key: string): number {
  const text = existsSync(path) ? readText(path) : undefined;
  const line = text?.split('\n').find((each) => each.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1)) || 0;
}
