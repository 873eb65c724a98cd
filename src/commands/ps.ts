import { Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { type Column, type ContainerSummary, formatAge, formatBytes, list, renderTable } from '../index.js';

/** Columns of a problem's text: one damaged record must not push all others apart. */
const PROBLEM_WIDTH = 48;

const columns = (isWhole: boolean): readonly Column<ContainerSummary>[] => [
  { title: 'NAME', value: ({ name }) => name, shrinkTo: 16 },
  { title: 'PID', value: ({ pid }) => String(pid ?? '-'), align: 'right' },
  { title: 'STATUS', value: (row) => statusText(row, isWhole), shrinkTo: 10 },
  { title: 'CREATED', value: ({ ageMs }) => (ageMs === undefined ? '-' : formatAge(ageMs)), drop: 2 },
  { title: 'MEMORY', value: memoryText, align: 'right' },
  { title: 'COMMAND', value: ({ command }) => command?.join(' ') ?? '-', shrinkTo: 12 },
  { title: 'ROOTFS', value: ({ rootfs }) => rootfs ?? '-', shrinkTo: 12, drop: 3 },
];

export default class Ps extends Command {
  static override summary = 'List containers';
  static override description =
    'Running ones, and whatever a crash left that could not be undone. The status is looked up each time, never remembered, so it ' +
    'is right after any crash.';
  static override examples = [
    { description: 'What is running', command: '<%= config.bin %> ps' },
    { description: 'Kept ones too', command: '<%= config.bin %> ps -a' },
    { description: 'For a program', command: '<%= config.bin %> ps --json' },
    { description: 'Names of running containers that begin with web', command: '<%= config.bin %> ps -q --filter name=^web' },
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Stopped ones too' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Names only, one a line', exclusive: ['json'] }),
    filter: Flags.string({
      char: 'f',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY=VALUE',
      summary: 'name=REGEXP, or status=creating|running|paused|stopped|leftover|corrupt',
    }),
    json: Flags.boolean({ summary: 'A JSON array: bytes, milliseconds, null for what is not known' }),
    'no-trunc': Flags.boolean({ summary: 'Cut nothing, however wide the lines become' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps);
    const containers = list({ all: flags.all, filter: flags.filter ?? [] });
    writeAll(1, render(containers, flags));
  }
}

function render(containers: readonly ContainerSummary[], flags: { json: boolean; quiet: boolean; 'no-trunc': boolean }): string {
  if (flags.json) return `${JSON.stringify(containers, (_, value: unknown) => (value === undefined ? null : value), 2)}\n`;
  if (flags.quiet) return containers.map(({ name }) => `${name}\n`).join('');
  return renderTable(containers, columns(flags['no-trunc']), { width: process.stdout.columns, truncate: !flags['no-trunc'] });
}

function statusText({ status, exitCode, problem }: ContainerSummary, isWhole: boolean): string {
  if (problem !== undefined)
    return `${status}: ${isWhole || problem.length <= PROBLEM_WIDTH ? problem : `${problem.slice(0, PROBLEM_WIDTH - 1)}…`}`;
  return status === 'stopped' ? `stopped (${exitCode ?? 'end not seen'})` : status;
}

function memoryText({ memoryUsage, memoryLimit }: ContainerSummary): string {
  if (memoryUsage === undefined && memoryLimit === undefined) return '-';
  const usage = memoryUsage === undefined ? '-' : formatBytes(memoryUsage);
  return `${usage} / ${memoryLimit === undefined ? 'no limit' : formatBytes(memoryLimit)}`;
}
