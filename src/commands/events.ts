import { Command, Flags } from '@oclif/core';
import { events, outputError, parseInstant, writeWhole } from '../index.js';

export default class Events extends Command {
  static override summary = 'Show what happens to containers, as JSON lines';
  static override description =
    'One object a line: start, exit, oom (the memory limit killed a process), limit (a limit was reached), rm and more. Without --since ' +
    'and --until only what happens from now on, until Ctrl-C.';
  static override examples = [
    { description: 'From now on', command: 'sudo <%= config.bin %> events' },
    { description: 'Of the last ten minutes, and no longer', command: 'sudo <%= config.bin %> events --since 10m --until now' },
    { description: 'Kills by the memory limit of one container', command: 'sudo <%= config.bin %> events -f container=box -f event=oom' },
  ];
  static override flags = {
    since: Flags.string({ helpValue: 'TIME', summary: 'From then on: 10m (ago), 2026-03-01T12:00:00Z, seconds since 1970' }),
    until: Flags.string({ helpValue: 'TIME', summary: 'Until then; now ends with what there is' }),
    filter: Flags.string({
      char: 'f',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY=VALUE',
      summary: 'container=NAME, event=KIND',
    }),
    json: Flags.boolean({ summary: 'JSON lines, as without it' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Events);
    const { since, until, filter = [] } = flags;
    const options = {
      filter,
      ...(since === undefined ? {} : { since: parseInstant(since, '--since') }),
      ...(until === undefined ? {} : { until: parseInstant(until, '--until') }),
    };
    for await (const event of events(options)) {
      if (!writeLine(JSON.stringify(event))) return;
    }
  }
}

/** @returns false when nobody reads any more: the events would have no end. */
function writeLine(line: string): boolean {
  try {
    writeWhole(1, Buffer.from(`${line}\n`));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return false;
    throw outputError(1, error);
  }
}
