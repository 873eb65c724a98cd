import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { psColumns } from '../cli/ps-options.js';
import { renderTable, top, UserError } from '../index.js';

export default class Top extends Command {
  static override summary = 'List the processes of a running container';
  static override description =
    'Seen from outside, by what the kernel says of them: nothing of the container is run or believed. PID and PPID are the numbers of the ' +
    'host, INPID the number inside; UID is the one inside.';
  static override usage = 'top NAME [--json] [PS-OPTIONS]';
  static override examples = [
    { description: 'Its processes', command: 'sudo <%= config.bin %> top box' },
    { description: 'Some columns only', command: 'sudo <%= config.bin %> top box -o pid,rss,cmd' },
    { description: 'For a program', command: 'sudo <%= config.bin %> top box --json' },
  ];
  // Words of ps(1) are read by ps-options.ts.
  static override strict = false;
  static override args = { name: Args.string({ description: 'Name of a container', required: true, ignoreStdin: true }) };
  static override flags = {
    json: Flags.boolean({ summary: 'A JSON array: bytes, milliseconds, null for what is not known' }),
  };

  async run(): Promise<void> {
    const isJson = this.argv.includes('--json');
    const [name, ...words] = this.argv.filter((word) => word !== '--json');
    if (name === undefined || name.startsWith('-')) throw new UserError('crt top needs the name of a container', { hint: 'crt top NAME' });
    const columns = psColumns(words);
    const processes = top(name);
    if (isJson) writeAll(1, `${JSON.stringify(processes, (_, value: unknown) => (value === undefined ? null : value), 2)}\n`);
    else writeAll(1, renderTable(processes, columns, { width: process.stdout.columns }));
  }
}
