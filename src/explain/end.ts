import { displayWidth, printable } from '../format/printable.js';
import { type Line, paint, rule, span, wrap } from './layout.js';
import type { PageOptions } from './table.js';

/** Where a running container can be looked at from outside. */
export interface RunningContainer {
  /** Of its PID 1, as the host numbers it. */
  readonly pid: number;
  readonly name: string;
  /** Its cgroup directories. */
  readonly cgroupPaths: readonly string[];
}

/** What to type in another terminal while the container runs, with its real numbers and paths. Ended by a newline. */
export function explainEnd({ pid, name, cgroupPaths, width, color }: RunningContainer & PageOptions): string {
  const columns = Math.max(width, 40);
  const hints: readonly (readonly [command: string, what: string])[] = [
    [`lsns -p ${pid}`, 'its namespaces, and who shares them'],
    [`ls -l /proc/${pid}/ns`, 'the same: one number, one namespace'],
    [`cat /proc/${pid}/mountinfo`, 'all that it has mounted'],
    [`grep -E 'Cap|NoNew|NSpid' /proc/${pid}/status`, 'its capabilities, and its number in each pid namespace'],
    [`cat /proc/${pid}/cgroup`, 'the control groups that it is in'],
    ...cgroupHints(cgroupPaths),
    [`sudo nsenter -t ${pid} -a`, 'go in, with all the rights of root'],
  ];
  const lines: Line[] = [
    [],
    rule('━', `Look at ${printable(name)} while it runs`, 'heading', columns),
    ...wrap(
      [span('PID 1 inside is', 'story'), span(`process ${pid}`, 'verb'), span('of the host. In another terminal:', 'story')],
      columns,
    ),
    ...hints.flatMap(([command, what]) => drawHint(command, what, columns)),
  ];
  return lines.map((line) => `${paint(line, color)}\n`).join('');
}

function cgroupHints(paths: readonly string[]): [string, string][] {
  return paths.map((path) => {
    const shown = quotePath(path);
    if (/\/memory\/|\/memory,/.test(path))
      return [`cat ${shown}/memory.limit_in_bytes`, 'its memory limit; memory.usage_in_bytes is what it takes'];
    if (/\/pids\//.test(path)) return [`cat ${shown}/pids.current`, 'how many processes it has; pids.max is the limit'];
    if (/\/crt\/[^/]+$/.test(path))
      return [`cat ${shown}/memory.max`, 'its memory limit; memory.current is what it takes, pids.max the limit of processes'];
    return [`cat ${shown}/cgroup.procs`, 'its processes'];
  });
}

/** A path that can be pasted into a shell. */
function quotePath(path: string): string {
  const safe = printable(path);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}

function drawHint(command: string, what: string, columns: number): Line[] {
  const half = Math.min(Math.floor(columns * 0.52), 58);
  if (columns >= 80 && displayWidth(command) + 4 <= half) {
    const [first = [], ...rest] = wrap([span(what, 'faint')], columns - half);
    const gap = span(' '.repeat(half - 2 - displayWidth(command)));
    return [[span('  '), span(command, 'verb'), gap, ...first], ...rest.map((line) => [span(' '.repeat(half)), ...line])];
  }
  const indent = (line: Line, by: number): Line => [span(' '.repeat(by)), ...line];
  return [
    ...wrap([span(command, 'verb')], columns - 2).map((line) => indent(line, 2)),
    ...wrap([span(what, 'faint')], columns - 6).map((line) => indent(line, 6)),
  ];
}
