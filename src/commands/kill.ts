import { Args, Command, Flags } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { signalFlag } from '../cli/ending-flags.js';
import { kill } from '../index.js';

export default class Kill extends Command {
  static override summary = 'Send a signal to the commands of running containers';
  static override description =
    'SIGKILL, or the one that is named, to PID 1. Of TERM, INT, HUP and QUIT that PID 1 would not hear, since it neither handles nor ignores them, the container is killed instead.';
  static override usage = 'kill [-s SIGNAL] NAME...';
  static override examples = [
    { description: 'End it at once', command: 'sudo <%= config.bin %> kill web' },
    { description: 'Let it read its settings again', command: 'sudo <%= config.bin %> kill -s HUP web' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = { signal: Flags.string({ char: 's', helpValue: 'SIGNAL', summary: 'By name or number (default KILL)' }) };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Kill);
    const { signal = 'SIGKILL' } = signalFlag(flags.signal);
    return eachName(args.name, (name) => kill(name, signal));
  }
}
