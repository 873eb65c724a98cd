import { Args, Command } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { pause } from '../index.js';

export default class Pause extends Command {
  static override summary = 'Stop all processes of running containers where they are';
  static override description =
    'By the freezer of the cgroup: the processes are not told and cannot prevent it. Memory stays in use; what talks to them waits. crt unpause lets them go on, crt rm -f ends them.';
  static override usage = 'pause NAME...';
  static override examples = [{ description: 'Stop it', command: 'sudo <%= config.bin %> pause box' }];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };

  async run(): Promise<number> {
    const { args } = await this.parse(Pause);
    return eachName(args.name, (name) => pause(name));
  }
}
