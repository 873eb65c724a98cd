import { printable } from '../format/printable.js';
import type { DoctorReport } from './doctor.js';
import { installLine, type PackageManager } from './packages.js';

/** What has to be done, and for which checks. */
type Reasons = Map<string, Set<string>>;

/**
 * One block for sh(1) of root that repairs what is wrong; nobody here runs it. Each line once, with a comment that says what it is for.
 * What only a person can do is a comment.
 */
export function renderFixScript(report: DoctorReport, manager: PackageManager | undefined): string {
  const [first, packages, built, advice]: [Reasons, Reasons, Reasons, Reasons] = [new Map(), new Map(), new Map(), new Map()];
  for (const { id, group, findings } of report.checks) {
    for (const { verdict, observed, fix } of findings) {
      if (verdict !== 'warn' && verdict !== 'fail') continue;
      const reason = `${id}: ${observed}`;
      for (const name of fix?.packages ?? []) add(packages, name, reason);
      // A package manager needs /dev/null, a disk and the like; what is to be built needs packages, and `crt rm` what is built.
      const commands = fix?.packages !== undefined || group === 'leftovers' ? built : first;
      for (const command of fix?.commands ?? []) add(commands, command, reason);
      if (fix?.advice !== undefined) add(advice, fix.advice, reason);
    }
  }
  if (first.size + packages.size + built.size + advice.size === 0) return '# crt doctor: nothing to repair\n';
  const script = [
    '# crt doctor: read it, then paste it into a shell of root (sudo -s)',
    ...lines(first),
    ...install(packages, manager),
    ...lines(built),
    ...[...advice].flatMap(([text, reasons]) => ['', ...comments(reasons), ...comments(text.split('\n'), '  by hand: ')]),
  ];
  return script.map((line) => `${line}\n`).join('');
}

function lines(commands: Reasons): string[] {
  return [...commands].flatMap(([command, reasons]) => ['', ...comments(reasons), ...command.split('\n').map(printable)]);
}

function add(to: Reasons, what: string, reason: string): void {
  to.set(what, (to.get(what) ?? new Set()).add(reason));
}

function install(packages: Reasons, manager: PackageManager | undefined): string[] {
  if (packages.size === 0) return [];
  const reasons = new Set([...packages.values()].flatMap((set) => [...set]));
  if (manager === undefined) return ['', ...comments(reasons), `#   by hand: install ${[...packages.keys()].join(' ')} (Debian's names)`];
  return ['', ...comments(reasons), installLine([...packages.keys()], manager)];
}

/** A text of a check cannot end its comment: a newline is spelled out. */
function comments(texts: Iterable<string>, before = ''): string[] {
  return [...texts].map((text) => `# ${before}${printable(text)}`);
}
