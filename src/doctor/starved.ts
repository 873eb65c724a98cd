import type { CheckId } from '../check-ids.js';
import type { Finding, Fix } from './check.js';
import { type CheckReport, type Examined, reportOf } from './examine.js';
import { elsewhere } from './finding.js';

/** Limits of open files and of processes, by how their errors are told (errno(3)). */
const KINDS: readonly { readonly words: RegExp; readonly what: string; readonly fix: Fix }[] = [
  { words: /EMFILE|too many open files/, what: 'this process may have too few open files', fix: { commands: ['ulimit -n 1024'] } },
  { words: /ENFILE/, what: 'the machine has too many open files', fix: { commands: ['sysctl -w fs.file-max=1000000'] } },
  {
    words: /EAGAIN|too many processes|temporarily unavailable/,
    what: 'crt may start too few processes',
    fix: { advice: 'raise the limit: ulimit -u, or pids.max of the cgroup that crt runs in (cat /proc/self/cgroup)' },
  },
];

/** The limit that a finding is about. */
function kindOf({ verdict, observed }: Finding): (typeof KINDS)[number] | undefined {
  return verdict === 'pass' ? undefined : KINDS.find(({ words }) => words.test(observed));
}

export function isStarved({ findings }: CheckReport): boolean {
  return findings.some((finding) => kindOf(finding) !== undefined);
}

/** Said once, by `environment` where that was asked: what has failed for want of open files or processes, also alone. */
export function tellStarved(all: readonly Examined[]): readonly Examined[] {
  const starved = new Set<CheckId>(all.filter(({ report }) => isStarved(report)).map(({ report }) => report.id));
  const [kind] = all.flatMap(({ report }) => report.findings).flatMap((finding) => kindOf(finding) ?? []);
  if (kind === undefined || !all.some(({ report }) => report.id === 'environment')) return all;
  const isStarting = all.some(({ report }) => report.id === 'container' && report.verdict === 'pass');
  const told: Finding = {
    verdict: isStarting ? 'warn' : 'fail',
    observed: `${kind.what} for ${[...starved].join(', ')}`,
    expected: '100 open files, and 50 processes',
    cost: isStarting ? 'what these checks would tell' : 'no container can be started',
    fix: kind.fix,
  };
  return all.map(({ report, refusal }) => {
    const others = starved.has(report.id) ? [elsewhere('environment')] : report.findings;
    if (report.id === 'environment')
      return { report: reportOf(report, [...(starved.has(report.id) ? [] : report.findings), told], report.durationMs) };
    return { report: reportOf(report, others, report.durationMs), ...(refusal === undefined ? {} : { refusal }) };
  });
}
