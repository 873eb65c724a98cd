import { Args, Command } from '@oclif/core';
import { CrtHelp } from '../cli/help.js';

export default class HelpCommand extends Command {
  static override summary = 'Show help for crt or for one of its commands';
  static override examples = ['<%= config.bin %> help run'];
  static override args = { command: Args.string({ description: 'The command to explain', ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(HelpCommand);
    await new CrtHelp(this.config).showHelp(args.command === undefined ? [] : [args.command]);
  }
}
