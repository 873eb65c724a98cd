import { Args, Command } from '@oclif/core';
import { undoOrphan } from '../index.js';

/** What a container's monitor starts when its supervisor has died; for nobody's fingers. */
export default class Undo extends Command {
  static override summary = 'Undo what a dead supervisor left on the host';
  static override hidden = true;
  static override args = { name: Args.string({ description: 'Name of the container', required: true, ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Undo);
    undoOrphan(args.name);
  }
}
