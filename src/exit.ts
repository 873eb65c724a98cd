import { openCgroup } from './cgroup/open.js';
import { probeHost } from './host/probe.js';
import { readKeptOptions } from './kept-options.js';
import { exitRecord, readEnding, toOutcome } from './result.js';
import type { ExitRecord } from './state/record.js';
import type { Entry } from './state/store.js';

/**
 * How a container ended, from its state folder: as its supervisor has written it, or else as its monitor saw it and the counters of its
 * cgroup tell; `lost` when nobody saw it.
 */
export function exitOf(entry: Entry): ExitRecord {
  const { exit, ended, record } = entry;
  if (exit !== undefined) return exit;
  const start = record?.start ?? 1;
  if (ended === undefined || record === undefined) {
    return { exitCode: null, signal: null, reason: 'lost', oomKills: 0, finished: new Date().toISOString(), start };
  }
  const outcome = toOutcome({
    ...readEnding(openCgroup(probeHost().cgroup, entry.name, {}), entry.name, 0),
    name: entry.name,
    command: record.command,
    ended,
    reaper: readKeptOptions(record)?.init ?? false,
    timedOut: false,
    canceled: false,
  });
  return exitRecord(outcome, ended);
}
