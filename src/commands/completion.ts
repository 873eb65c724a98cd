import { Args, Command } from '@oclif/core';
import { type CompletedCommand, type CompletedFlag, completionScript, SHELLS, type Shell } from '../cli/completion.js';
import { writeAll } from '../cli/output.js';

/** `none|host`: the words themselves. */
const LISTED = /^[a-z0-9-]+(\|[a-z0-9-]+)+$/;

export default class Completion extends Command {
  static override summary = 'Print a completion script for bash, zsh or fish';
  static override description =
    'Commands, flags and the names of containers complete. Names are read from the state directory, without a program: so it is quick, ' +
    'and without root, who alone can read it, none are offered.';
  static override usage = 'completion bash|zsh|fish';
  static override examples = [
    { description: 'For this bash only', command: 'source <(<%= config.bin %> completion bash)' },
    { description: 'For every bash', command: 'sudo sh -c "<%= config.bin %> completion bash > /etc/bash_completion.d/crt"' },
    { description: 'For zsh', command: 'sudo sh -c "<%= config.bin %> completion zsh > /usr/local/share/zsh/site-functions/_crt"' },
    { description: 'For fish', command: '<%= config.bin %> completion fish > ~/.config/fish/completions/crt.fish' },
  ];
  static override args = {
    shell: Args.string({ description: 'bash, zsh or fish', required: true, options: [...SHELLS], ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    writeAll(1, completionScript(args.shell as Shell, describe(this.config.commands)));
  }
}

/** Each command by its own table of flags and arguments: what is added there is completed. */
function describe(commands: readonly Command.Loadable[]): readonly CompletedCommand[] {
  const shown = commands.filter(({ hidden }) => !hidden).sort((a, b) => (a.id < b.id ? -1 : 1));
  const names = shown.map(({ id }) => id);
  return shown.map(({ id, summary = '', flags, args }) => ({
    name: id,
    summary,
    flags: Object.values(flags)
      .filter(({ hidden }) => !hidden)
      .map(describeFlag),
    words: id === 'help' ? names : Object.values(args).flatMap(({ options = [] }) => options),
    // The name that `run` takes is a new one.
    takesContainers: id !== 'run' && Object.values(args).some(({ name }) => name === 'name'),
  }));
}

function describeFlag({ name, char, summary = '', ...flag }: Command.Flag.Cached): CompletedFlag {
  const takesValue = flag.type === 'option';
  const { options, helpValue } = takesValue ? flag : {};
  const listed = typeof helpValue === 'string' && LISTED.test(helpValue) ? helpValue.split('|') : [];
  return { name, char, summary, takesValue, values: options ?? listed };
}
