import { Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { memoryText, renderRows, statusText } from '../cli/ps-rows.js';
import { type Column, type ContainerSummary, formatAge, list, printable, printableJson, renderTable, UserError } from '../index.js';

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
    { description: 'Columns of your own', command: "<%= config.bin %> ps --format 'table {{.Name}}\\t{{.Status}}'" },
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
      summary: 'name=REGEXP, id=DIGITS, status=STATUS, exited=CODE, before=NAME, since=NAME',
    }),
    last: Flags.string({ char: 'n', helpValue: 'N', summary: 'The last N that were created, in any state, the newest first' }),
    latest: Flags.boolean({ char: 'l', summary: 'The last one that was created: -n 1', exclusive: ['last'] }),
    format: Flags.string({
      helpValue: 'json|TEMPLATE',
      summary: 'A JSON object a line, or a template: {{.Name}} {{.Status}}, with titles: table {{.Name}}\\t{{.Status}}',
      exclusive: ['json', 'quiet'],
    }),
    json: Flags.boolean({ summary: 'A JSON array: bytes, milliseconds, null for what is not known' }),
    'no-trunc': Flags.boolean({ summary: 'Cut nothing, however wide the lines become' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps);
    const last = flags.latest ? 1 : flags.last === undefined ? undefined : parseLast(flags.last);
    const { format, ...more } = flags;
    const containers = list({ all: flags.all, filter: flags.filter ?? [], ...(last === undefined ? {} : { last }) });
    writeAll(1, render(containers, { ...more, format }));
  }
}

interface PsFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly format: string | undefined;
  readonly 'no-trunc': boolean;
}

function render(containers: readonly ContainerSummary[], { json, quiet, format, 'no-trunc': isWhole }: PsFlags): string {
  if (json) return `${printableJson(containers, 2)}\n`;
  if (quiet) return containers.map(({ name }) => `${name}\n`).join('');
  const page = { width: process.stdout.columns, truncate: !isWhole };
  return format === undefined || format === 'table'
    ? renderTable(containers, columns(isWhole), page)
    : renderRows(containers, format, page);
}

/** docker's: −1 is all of them. */
function parseLast(text: string): number {
  if (text === '-1') return Number.MAX_SAFE_INTEGER;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UserError(`--last ${JSON.stringify(printable(text))} is not a whole number`, { hint: 'for example: crt ps -n 5' });
}
