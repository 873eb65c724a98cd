import { paint, type Style, span, wrap } from '../explain/layout.js';
import { printable } from '../format/printable.js';
import { type Finding, GROUPS, type Group, type Verdict } from './finding.js';
import type { VerifyReport } from './verify.js';

export interface VerifyPage {
  /** Columns. */
  readonly width: number;
  readonly color: boolean;
  /** False: ASCII marks. */
  readonly unicode: boolean;
}

/** Each verdict has a mark and a word: colour alone tells nothing. */
const LOOKS: Readonly<Record<Verdict, { mark: string; ascii: string; word: string; style: Style }>> = {
  pass: { mark: '✔', ascii: '+', word: '', style: 'time' },
  fail: { mark: '✖', ascii: 'x', word: 'NOT SO: ', style: 'failed' },
  loosened: { mark: '!', ascii: '!', word: '', style: 'slowest' },
  note: { mark: '!', ascii: '!', word: 'note: ', style: 'plain' },
};

/** The report for people, by groups; what the container chose is made harmless. */
export function renderVerify(report: VerifyReport, page: VerifyPage): string {
  const groups = Object.keys(GROUPS) as Group[];
  const lines = groups.flatMap((group) => {
    const findings = report.findings.filter((finding) => finding.group === group);
    return findings.length === 0
      ? []
      : [paint([span(GROUPS[group], 'heading')], page.color), ...findings.flatMap((one) => renderFinding(one, page)), ''];
  });
  return [...lines, ...closing(report, page)].map((line) => `${line}\n`).join('');
}

function renderFinding({ check, verdict, observed, expected, words }: Finding, page: VerifyPage): string[] {
  const { mark, ascii, word, style } = LOOKS[verdict];
  const head = span(`${page.unicode ? mark : ascii} ${check}:`, style);
  const why = words.length === 0 ? '' : ` - loosened on request (${words.join(', ')})`;
  return [
    ...hang([head, span(printable(`${word}${observed}${why}`))], 2, page),
    ...(verdict === 'fail' && expected !== null ? hang([span('expected:', 'faint'), span(printable(expected))], 6, page) : []),
  ];
}

function hang(line: Parameters<typeof wrap>[0], indent: number, { width, color }: VerifyPage): string[] {
  return wrap(line, width - indent - 2).map((part, at) => ' '.repeat(at === 0 ? indent : indent + 2) + paint(part, color));
}

function closing({ name, processes, findings }: VerifyReport, page: VerifyPage): string[] {
  const many = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  const failed = [...new Set(findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check))];
  const asked = [...new Set(findings.flatMap(({ words }) => words))];
  const told =
    failed.length > 0
      ? `${name} is NOT isolated as configured: ${failed.join(', ')}`
      : `${name} is isolated as configured${asked.length > 0 ? `, which is less than the defaults: ${asked.join(', ')}` : ''}`;
  const counts = `${many('pass')} hold, ${many('fail')} do not, ${many('loosened')} loosened on request, ${many('note')} to note; ${processes} ${processes === 1 ? 'process' : 'processes'}`;
  return [told, counts].flatMap((text) => wrap([span(printable(text), 'verb')], page.width).map((line) => paint(line, page.color)));
}
