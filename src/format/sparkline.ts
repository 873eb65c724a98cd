const BARS = '▁▂▃▄▅▆▇█';

/**
 * A graph of one line: a block for each value, right-aligned to `width` columns. The highest stands for the largest value, but for
 * no less than `least`: what idles must not look like mountains. What is undefined is a gap.
 */
export function sparkline(values: readonly (number | undefined)[], width: number, least: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(least, ...shown.map((value) => value ?? 0));
  const bar = (value: number | undefined): string => {
    if (value === undefined || !(highest > 0)) return ' ';
    const step = Math.round((Math.max(0, value) / highest) * (BARS.length - 1));
    return BARS[step] ?? ' ';
  };
  return shown.map(bar).join('').padStart(width);
}
