import { Args, Command } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { report } from '../cli/report.js';
import { wait } from '../index.js';

export default class Wait extends Command {
  static override summary = 'Wait until containers have ended, and print their exit codes';
  static override usage = 'wait NAME...';
  static override examples = [{ description: 'Its exit code', command: 'sudo <%= config.bin %> wait job' }];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };

  async run(): Promise<number> {
    const { args } = await this.parse(Wait);
    let worst = 0;
    for (const name of args.name) {
      try {
        const code = await wait(name);
        // Nobody saw it.
        writeAll(1, `${code ?? '?'}\n`);
      } catch (error) {
        worst = Math.max(worst, report(error));
      }
    }
    return worst;
  }
}
