import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { isUtf8, screen } from '../cli/screen.js';
import { printableJson, renderVerify, verify } from '../index.js';

export default class Verify extends Command {
  static override summary = 'Prove from outside that a running container is isolated as configured';
  static override description = [
    'Reads what the kernel says of it: namespaces beside those of the host, mounts, limits, capabilities, system call filter, masks, ids, open files, ' +
      'the cgroup of each process. Nothing inside is asked. What a flag loosened is shown as such.',
    'The exit code is 0 when all holds, 1 when something does not, 125 when it could not be looked at.',
  ].join('\n\n');
  static override usage = 'verify NAME [--json]';
  static override examples = [
    { description: 'Everything', command: 'sudo <%= config.bin %> verify box' },
    { description: 'For a program', command: 'sudo <%= config.bin %> verify box --json' },
  ];
  static override args = { name: Args.string({ description: 'Name of a running container', required: true, ignoreStdin: true }) };
  static override flags = { json: Flags.boolean({ summary: 'The report as one JSON object' }) };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Verify);
    const report = verify(args.name);
    writeAll(1, flags.json ? `${printableJson(report, 2)}\n` : renderVerify(report, { ...screen(1), unicode: isUtf8() }));
    return report.holds ? 0 : 1;
  }
}
