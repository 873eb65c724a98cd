import { Args, Command, Flags } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { patience, signalFlag } from '../cli/ending-flags.js';
import { restart } from '../index.js';

export default class Restart extends Command {
  static override summary = 'Stop detached containers, and start them again';
  static override usage = 'restart [-t SECONDS] [-s SIGNAL] NAME...';
  static override examples = [{ description: 'With its layer as it is', command: 'sudo <%= config.bin %> restart web' }];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = {
    time: Flags.string({ char: 't', aliases: ['timeout'], helpValue: 'SECONDS', summary: 'Until SIGKILL (default 10)' }),
    signal: Flags.string({ char: 's', helpValue: 'SIGNAL', summary: 'The first signal (default TERM)' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Restart);
    const options = { ...patience(flags.time), ...signalFlag(flags.signal) };
    return eachName(args.name, async (name) => void (await restart(name, options)));
  }
}
