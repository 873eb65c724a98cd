import type { Skipped } from './contestants.js';
import type { Sizes } from './sizes.js';
import type { Ratio, Summary } from './statistics.js';

/** Everything that one benchmark found; the JSON file is this object. */
export interface Report {
  readonly machine: { readonly kernel: string; readonly node: string; readonly processors: number; readonly cgroups: string };
  readonly rootfs: string;
  /** Milliseconds everywhere. */
  readonly results: readonly Summary[];
  readonly skipped: readonly Skipped[];
  readonly ratios: readonly Ratio[];
  readonly sizes: Sizes;
}

/** Columns padded to their widest cell; the columns of `right` are numbers. */
function align(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function resultRows(report: Report): string[][] {
  const base = report.results.find((result) => result.key === 'crun')?.median;
  return report.results.map((result) => [
    result.title,
    result.median.toFixed(1),
    result.min.toFixed(1),
    result.p90.toFixed(1),
    base === undefined ? '-' : (result.median / base).toFixed(2),
    result.note ?? '',
  ]);
}

/** The report as people read it. */
export function formatReport(report: Report): string {
  const { machine, sizes } = report;
  const heading = ['', 'median', 'min', 'p90', '/ crun', ''];
  const runs = report.results[0]?.runs ?? 0;
  const bars = report.ratios.map((ratio) => [
    ratio.title,
    ratio.value.toFixed(2),
    `bar ${ratio.bar}`,
    ratio.reached ? 'reached' : 'MISSED',
  ]);
  const weights = [
    [
      'helper/crt-init on disk',
      `${(sizes.helperBytes / 1000).toFixed(0)} kB`,
      'bar 100 kB (musl)',
      sizes.helperBytes <= 100_000 ? 'reached' : 'MISSED',
    ],
    [
      "the monitor's resident memory",
      `${(sizes.monitorResident / 1000).toFixed(0)} kB`,
      'bar 500 kB',
      sizes.monitorResident < 500_000 ? 'reached' : 'MISSED',
    ],
  ];
  const lines = [
    `Start to exit of /bin/true with a memory limit of 50 MiB, milliseconds, ${runs} interleaved rounds`,
    `Linux ${machine.kernel}, Node ${machine.node}, ${machine.processors} processors, cgroups ${machine.cgroups}, rootfs ${report.rootfs}`,
    '',
    ...align([heading, ...resultRows(report)], new Set([1, 2, 3, 4])),
    ...report.skipped.map((one) => `${one.title}: skipped, ${one.reason}`),
    '',
    ...align([...bars, ...weights], new Set([1])),
  ];
  return `${lines.join('\n')}\n`;
}
