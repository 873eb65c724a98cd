import { Args, Command, Flags } from '@oclif/core';
import { attachVerb } from '../cli/attach-verb.js';
import { eachName } from '../cli/each-name.js';
import { start, UserError } from '../index.js';

export default class Start extends Command {
  static override summary = 'Start stopped containers again';
  static override description =
    'Those that were started with crt run -d: with their layer, their user ids and their options. Also after a restart of the machine.';
  static override usage = 'start [-a] [-i] NAME...';
  static override examples = [
    { description: 'Let it run', command: 'sudo <%= config.bin %> start web' },
    { description: 'And show its output', command: 'sudo <%= config.bin %> start -a web' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = {
    attach: Flags.boolean({ char: 'a', summary: 'Show the output, pass signals on, and exit with its exit code' }),
    interactive: Flags.boolean({ char: 'i', summary: 'The same, and pass stdin on' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Start);
    const [first, second] = args.name;
    if (!flags.attach && !flags.interactive) return eachName(args.name, async (name) => void (await start(name)));
    if (first === undefined || second !== undefined)
      throw new UserError('crt start -a takes one container', { hint: 'start the others without -a' });
    const since = Date.now();
    await start(first);
    return attachVerb(first, { input: flags.interactive, since });
  }
}
