import { type Line, paint, type Style, span, wrap } from '../explain/layout.js';
import { displayWidth, fit, printable } from '../format/printable.js';
import { type Finding, type Fix, GROUPS, type Verdict } from './check.js';
import type { DoctorReport } from './doctor.js';
import { type CheckReport, worst } from './examine.js';
import { installLine, type PackageManager } from './packages.js';

export interface DoctorPage {
  /** Columns. Commands are never broken, so that they can be copied. */
  readonly width: number;
  readonly color: boolean;
  /** False: ASCII marks. */
  readonly unicode: boolean;
  /** Every finding, not only what is wrong. */
  readonly verbose: boolean;
  /** Only some checks were asked for: nothing is said of the whole. */
  readonly partial: boolean;
  /** How the program is called: `crt`, `sudo ./bin/run.js`. */
  readonly program: string;
  readonly manager: PackageManager | undefined;
}

const LOOKS: Readonly<Record<Verdict, { mark: string; ascii: string; word: string; style: Style }>> = {
  pass: { mark: '✔', ascii: '+', word: 'ok', style: 'time' },
  info: { mark: '·', ascii: '-', word: 'info', style: 'plain' },
  unknown: { mark: '?', ascii: '?', word: 'unknown', style: 'plain' },
  warn: { mark: '!', ascii: '!', word: 'warning', style: 'slowest' },
  fail: { mark: '✖', ascii: 'x', word: 'failure', style: 'failed' },
};
const WORD = Math.max(...Object.values(LOOKS).map(({ word }) => word.length));
const NAME = Math.max(...GROUPS.map((group) => group.length));

/** The report for people: a line a group, what is wrong in full, and what that means for `crt run`. */
export function renderDoctor(report: DoctorReport, page: DoctorPage): string {
  const groups = GROUPS.map((group) => report.checks.filter((check) => check.group === group)).filter((checks) => checks.length > 0);
  const lines = [...groups.flatMap((checks) => renderGroup(checks, page)), '', ...closing(report, page)];
  return lines.map((line) => `${page.unicode ? line : line.replaceAll('…', '~')}\n`).join('');
}

function renderGroup(checks: readonly CheckReport[], page: DoctorPage): string[] {
  const verdict = worst(checks.map((check) => check.verdict));
  const { word, style } = LOOKS[verdict];
  const head = `${mark(verdict, page)} ${word.padEnd(WORD)}  ${(checks[0]?.group ?? '').padEnd(NAME)}  `;
  const room = page.width - head.length;
  const line = [span(head, style), span(summarize(checks, verdict, room))];
  const details = checks.flatMap(({ id, findings }) => findings.filter((finding) => isShown(finding, page)).map((one) => ({ id, one })));
  return [paint(line, page.color).trimEnd(), ...details.flatMap(({ id, one }) => renderFinding(id, one, page))];
}

/** A few words: of what is worst, else of what each check has seen. */
function summarize(checks: readonly CheckReport[], verdict: Verdict, room: number): string {
  const all = checks.flatMap(({ id, findings }) => findings.map((finding) => ({ id, ...finding })));
  if (verdict === 'unknown') {
    const told = all.filter((finding) => finding.verdict === verdict);
    return fit(printable(`${told[0]?.observed ?? ''}: ${[...new Set(told.map(({ id }) => id))].join(', ')}`), room);
  }
  const isBad = verdict === 'warn' || verdict === 'fail';
  const told = isBad
    ? all.filter((finding) => finding.verdict === verdict).map(({ observed }) => observed)
    : checks.flatMap(({ findings }) => findings.slice(0, 1).map(headOf));
  return firstOf(told.map(printable), room);
}

/** Of what passes, what stands behind a colon is for -v. */
function headOf({ observed }: Finding): string {
  return observed.split(': ')[0] ?? '';
}

/** As many as there is room for; of the first, as much. */
function firstOf(texts: readonly string[], room: number): string {
  const [first = '', ...rest] = texts;
  let told = fit(first, room);
  for (const text of rest) {
    const longer = `${told}, ${text}`;
    if (displayWidth(longer) > room) break;
    told = longer;
  }
  return told;
}

function isShown({ verdict }: Finding, { verbose }: DoctorPage): boolean {
  return verbose || verdict === 'warn' || verdict === 'fail';
}

function mark(verdict: Verdict, { unicode }: DoctorPage): string {
  return LOOKS[verdict][unicode ? 'mark' : 'ascii'];
}

function renderFinding(id: string, { verdict, observed, expected, cost, fix }: Finding, page: DoctorPage): string[] {
  const { style } = LOOKS[verdict];
  return [
    ...hang([span(`${mark(verdict, page)} ${id}:`, style), span(printable(observed))], 2, page),
    ...(expected === undefined ? [] : labelled('expected', expected, page)),
    ...(cost === undefined ? [] : labelled('costs', cost, page)),
    ...(fix === undefined || verdict === 'unknown' ? [] : renderFix(fix, page)),
  ];
}

function renderFix({ packages = [], commands = [], advice }: Fix, page: DoctorPage): string[] {
  const { manager } = page;
  const lines = [...(packages.length > 0 && manager !== undefined ? [installLine(packages, manager)] : []), ...commands];
  const byHand = packages.length > 0 && manager === undefined ? [`install ${packages.join(' ')} (the names of Debian)`] : [];
  return [
    ...[...byHand, ...(advice === undefined ? [] : advice.split('\n'))].flatMap((text) => labelled('to do', text, page)),
    ...(lines.length > 0 ? hang([span('as root, type:', 'faint')], 6, page) : []),
    ...lines.flatMap((line) => line.split('\n')).map((text) => `        ${paint([span(printable(text), 'verb')], page.color)}`),
  ];
}

function labelled(label: string, text: string, page: DoctorPage): string[] {
  return hang([span(`${label}:`, 'faint'), span(printable(text))], 6, page);
}

/** Wrapped, indented; what goes over a line, a little more. */
function hang(line: Line, indent: number, { width, color }: DoctorPage): string[] {
  return wrap(line, width - indent - 2).map((part, at) => ' '.repeat(at === 0 ? indent : indent + 2) + paint(part, color));
}

/** Whether `crt run` will work here, and what it will lack. */
function closing(report: DoctorReport, page: DoctorPage): string[] {
  const told = verdictWords(report, page);
  const looked = page.verbose ? [`${report.checks.length} checks in ${Math.round(report.durationMs)} ms`] : [];
  return [...told, ...looked].flatMap((text) => wrap([span(printable(text), 'verb')], page.width).map((line) => paint(line, page.color)));
}

function verdictWords({ root, verdict, checks }: DoctorReport, { partial, program }: DoctorPage): string[] {
  const failed = checks.filter((check) => check.verdict === 'fail').map(({ id }) => id);
  const repair = `what repairs it, in one block: ${program} doctor --fix-script`;
  const others = failed.filter((id) => id !== 'privilege');
  if (!root && others.length === 0) return [`crt run needs root: ${program} doctor`];
  if (failed.length > 0) return [`crt run will not work here: ${failed.join(', ')}`, repair];
  const start = partial ? 'nothing of what was looked at keeps crt run from working' : 'crt run will work here';
  const unseen = checks.filter((check) => check.verdict === 'unknown').map(({ id }) => id);
  if (!partial && unseen.includes('container')) return [`whether crt run works here is not known: see ${unseen.join(', ')}`];
  const missed = unseen.length === 0 ? [] : [`not looked at: ${unseen.join(', ')}`];
  if (verdict !== 'warn') return [start, ...missed];
  const lacks = checks.flatMap(({ id, findings }) => findings.filter((one) => one.verdict === 'warn').map(({ cost }) => cost ?? id));
  return [`${start}, and will lack: ${[...new Set(lacks)].join('; ')}`, ...missed, repair];
}
