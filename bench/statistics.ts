/** The times of one contestant, in milliseconds. */
export interface Summary {
  readonly key: string;
  readonly title: string;
  readonly note: string | undefined;
  readonly runs: number;
  readonly median: number;
  readonly min: number;
  /** The 90th percentile: nine of ten runs took no longer. */
  readonly p90: number;
}

/** A ratio of two medians with the bar that the project set itself. */
export interface Ratio {
  readonly title: string;
  readonly value: number;
  readonly bar: number;
  readonly reached: boolean;
}

/** The value below which `share` (0 to 1) of the sorted samples lie, interpolated. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Of one contestant's times in milliseconds. */
export function summarize(who: { key: string; title: string; note?: string }, times: readonly number[]): Summary {
  return {
    key: who.key,
    title: who.title,
    note: who.note,
    runs: times.length,
    median: quantile(times, 0.5),
    min: Math.min(...times),
    p90: quantile(times, 0.9),
  };
}

// Issue 2's bars.
const BARS: readonly (readonly [title: string, over: string, under: string, bar: number])[] = [
  // Like beside like: `crun spec` has neither a user namespace nor a filter of system calls, and a container of crt has both.
  ['library / crun, both plain', 'crt-library-plain', 'crun', 0.6],
  ['library / crun, both confined', 'crt-library', 'crun-confined', 0.6],
  ['library confined / crun plain', 'crt-library', 'crun', 0.6],
  ['command line / empty node', 'crt-cli', 'node', 1.8],
  ['command line / podman', 'crt-cli', 'podman', 1],
];

/** The ratios whose two sides took part. */
export function ratios(summaries: readonly Summary[]): Ratio[] {
  const medians = new Map(summaries.map((summary) => [summary.key, summary.median]));
  return BARS.flatMap(([title, over, under, bar]) => {
    const above = medians.get(over);
    const below = medians.get(under);
    if (above === undefined || below === undefined) return [];
    const value = above / below;
    return [{ title, value, bar, reached: value <= bar }];
  });
}
