import { Args, Command } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { unpause } from '../index.js';

export default class Unpause extends Command {
  static override summary = 'Let paused containers go on';
  static override description = 'What was due meanwhile happens now: timers, signals, input.';
  static override usage = 'unpause NAME...';
  static override examples = [{ description: 'Let it go on', command: 'sudo <%= config.bin %> unpause box' }];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };

  async run(): Promise<number> {
    const { args } = await this.parse(Unpause);
    return eachName(args.name, (name) => unpause(name));
  }
}
