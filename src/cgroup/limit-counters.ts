import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
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

/** @param paths the cgroup directories of one container, each controller in one of them; what is missing counts as 0 */
export function limitCounters(paths: readonly string[]): LimitCounters {
  const pids = holding(paths, 'pids.events');
  const pidsHits = pids === undefined ? 0 : field(pids, 'max');
  const failures = holding(paths, 'memory.failcnt');
  if (failures !== undefined)
    return { oomKills: field(`${dirname(failures)}/memory.oom_control`, 'oom_kill'), memoryHits: readNumber(failures) ?? 0, pidsHits };
  const events = holding(paths, 'memory.events');
  if (events === undefined) return { oomKills: 0, memoryHits: 0, pidsHits };
  return { oomKills: field(events, 'oom_kill'), memoryHits: field(events, 'max'), pidsHits };
}

/** Looked for: an exception for each directory that lacks the file would cost more than the rest. */
function holding(paths: readonly string[], file: string): string | undefined {
  return paths.map((path) => `${path}/${file}`).find((path) => existsSync(path));
}

/** The number of a line `KEY NUMBER`. */
function field(path: string, key: string): number {
  const line = readText(path)
    ?.split('\n')
    .find((each) => each.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1)) || 0;
}
