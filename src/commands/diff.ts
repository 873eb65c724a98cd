import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { notice } from '../cli/report.js';
import { diff, printable } from '../index.js';

export default class Diff extends Command {
  static override summary = 'Show what a container changed in its root file system';
  static override description =
    'A line for each path: A added, C changed, D deleted. It is read from the writable layer, while the container runs, or afterwards if it ' +
    'was run with --keep.';
  static override examples = [
    { description: 'What it did so far', command: 'sudo <%= config.bin %> diff box' },
    { description: 'For a program', command: 'sudo <%= config.bin %> diff box --json' },
  ];
  static override args = { name: Args.string({ description: 'Name of the container', required: true, ignoreStdin: true }) };
  static override flags = { json: Flags.boolean({ summary: 'A JSON array of objects with kind (A, C, D) and path' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    const { changes, tooDeep } = diff(args.name);
    writeAll(
      1,
      flags.json ? `${JSON.stringify(changes, undefined, 2)}\n` : changes.map(({ kind, path }) => `${kind} ${printable(path)}\n`).join(''),
    );
    for (const path of tooDeep) notice(`what is below ${path} is not shown: it is too deep`);
  }
}
