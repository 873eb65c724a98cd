import { Args, Command } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { attend } from '../index.js';

/** What a container's monitor starts when its supervisor has died or has left; for nobody's fingers. */
export default class Undo extends Command {
  static override summary = 'Undo what a container left on the host';
  static override hidden = true;
  static override args = { name: Args.string({ description: 'Name of the container', required: true, ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Undo);
    const wait = await attend(args.name);
    // The monitor reads it: milliseconds until it asks again.
    if (wait !== undefined) writeAll(1, String(wait));
  }
}
