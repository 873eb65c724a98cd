import { Args, Command, Flags } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { patience, signalFlag } from '../cli/ending-flags.js';
import { stop } from '../index.js';

export default class Stop extends Command {
  static override summary = 'Ask containers to end, and kill those that do not';
  static override description =
    'Sends SIGTERM, and SIGKILL after some seconds. A command that neither handles nor ignores the signal would not hear it as PID 1: it is killed at once. Returns when all is cleaned up.';
  static override usage = 'stop [-t SECONDS] [-s SIGNAL] NAME...';
  static override examples = [
    { description: 'Ten seconds to end', command: 'sudo <%= config.bin %> stop web' },
    { description: 'A minute', command: 'sudo <%= config.bin %> stop -t 60 web' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = {
    time: Flags.string({ char: 't', aliases: ['timeout'], helpValue: 'SECONDS', summary: 'Until SIGKILL (default 10)' }),
    signal: Flags.string({ char: 's', helpValue: 'SIGNAL', summary: 'The first signal (default TERM)' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Stop);
    const options = { ...patience(flags.time), ...signalFlag(flags.signal) };
    return eachName(args.name, (name) => stop(name, options));
  }
}
