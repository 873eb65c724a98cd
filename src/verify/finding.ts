/** Parts of `crt verify`, in the order in which they are shown, with their titles: first what the machine and others are kept apart by. */
export const GROUPS = {
  processes: 'A. Processes and namespaces',
  root: 'B. Root file system',
  limits: 'C. Limits',
  rights: 'Rights',
  paths: 'Masked and read-only paths',
  outside: 'Ways out',
} as const;
export type Group = keyof typeof GROUPS;

/**
 * `pass`: seen to be as configured, and no weaker than the defaults. `fail`: it is not. `loosened`: weaker than the defaults, as it was asked for by a
 * flag. `note`: nothing that was promised is missing, and it is worth knowing, or cannot be seen from outside.
 */
export type Verdict = 'pass' | 'fail' | 'loosened' | 'note';

/** One thing that was looked at. */
export interface Finding {
  readonly group: Group;
  /** Stable name of the check. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What the kernel says, for people. */
  readonly observed: string;
  /** What it should say; null where the verdict needs none. */
  readonly expected: string | null;
  /** The words of the container's record that asked for it; empty unless `loosened`. */
  readonly words: readonly string[];
}

/** What a check answers with; group and name are the table's. */
export type Seen = Pick<Finding, 'verdict' | 'observed'> & Partial<Pick<Finding, 'expected' | 'words'>>;

export function pass(observed: string): Seen {
  return { verdict: 'pass', observed };
}

export function fail(observed: string, expected: string): Seen {
  return { verdict: 'fail', observed, expected };
}

export function note(observed: string): Seen {
  return { verdict: 'note', observed };
}

/**
 * Weaker than the defaults: `loosened` when a word of the record asked for it, else a failure: nobody has asked.
 * @param words those of the record that may have
 */
export function weaker(observed: string, expected: string, words: readonly string[]): Seen {
  if (words.length > 0) return { verdict: 'loosened', observed, words };
  return fail(observed, `${expected}; no flag asked for less`);
}
