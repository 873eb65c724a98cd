import { readdirSync, readFileSync } from 'node:fs';

/** A process, as far as a look for leftovers needs it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The words of its command line. */
  readonly words: readonly string[];
  readonly comm: string;
}

/** All processes that this pid namespace shows, by pid. Those that end meanwhile are left out. */
export function processes(): ReadonlyMap<number, Process> {
  const found = new Map<number, Process>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const one = Number.isInteger(pid) ? readProcess(pid) : undefined;
    if (one) found.set(pid, one);
  }
  return found;
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [comm = ''] = /(?<=\().*(?=\))/s.exec(stat) ?? [];
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return { pid, parent: Number(parent), comm, words: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') };
  } catch {
    return undefined;
  }
}

/** The monitor of a container, in whatever state directory it is written down. */
export function isMonitor({ comm, words }: Process): boolean {
  return comm === 'crt-init' && words[1] === 'run';
}

/** True when a monitor is above this process: it ends with that, and is looked after. */
export function isSupervised(pid: number, all: ReadonlyMap<number, Process>): boolean {
  const seen = new Set<number>();
  for (let at = all.get(pid); at !== undefined && !seen.has(at.pid); at = all.get(at.parent)) {
    if (isMonitor(at)) return true;
    seen.add(at.pid);
  }
  return false;
}
