import { Args, Command, Flags } from '@oclif/core';
import { printLogs } from '../cli/log-lines.js';
import { parseInstant, UserError } from '../index.js';

export default class Logs extends Command {
  static override summary = 'Show what a detached container has said';
  static override description = 'What went to its stdout goes to stdout, what went to its stderr to stderr.';
  static override usage = 'logs [-f] [-n LINES] [-t] [--since TIME] [--until TIME] NAME';
  static override examples = [
    { description: 'The last ten lines, and what follows', command: 'sudo <%= config.bin %> logs -f -n 10 web' },
    { description: 'Of the last ten minutes, with times', command: 'sudo <%= config.bin %> logs -t --since 10m web' },
  ];
  static override args = { name: Args.string({ description: 'Name of the container', required: true, ignoreStdin: true }) };
  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'Go on until it ends' }),
    tail: Flags.string({ char: 'n', helpValue: 'LINES', summary: 'Only the last so many lines; all is the default' }),
    timestamps: Flags.boolean({ char: 't', summary: 'Begin each line with its time, RFC 3339, UTC' }),
    since: Flags.string({ helpValue: 'TIME', summary: 'From then on: 2026-11-26T10:00:00Z, seconds since 1970, or 10m ago' }),
    until: Flags.string({ helpValue: 'TIME', summary: 'Before then' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Logs);
    const { follow, timestamps, since, until } = flags;
    const options = {
      follow,
      ...tailOption(flags.tail),
      ...(since === undefined ? {} : { since: parseInstant(since, '--since') }),
      ...(until === undefined ? {} : { until: parseInstant(until, '--until') }),
    };
    return printLogs(args.name, options, timestamps);
  }
}

function tailOption(text: string | undefined): { tail?: number } {
  if (text === undefined || text === 'all') return {};
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`--tail ${JSON.stringify(text)} is no number of lines`, { hint: '-n 10, or -n all' });
  return { tail: Number(text) };
}
