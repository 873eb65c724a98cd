import { type Command, CommandHelp, Help, type Interfaces } from '@oclif/core';
import { writeAll } from './output.js';

const EXAMPLES = [
  ['sudo crt run mycontainer', 'a shell in a container, as PID 1'],
  ['sudo crt run mycontainer --memory 50', 'the same, limited to 50 MiB'],
  ['sudo crt run box -v ./data:/data:ro -- python3 job.py', 'one command, with a folder'],
  ['sudo crt run box --explain', 'see every step of the start'],
  ['sudo crt doctor', 'can this machine run containers, and what is missing'],
  ['crt ps', 'what is running'],
] as const;

/** Examples are what most people look for: they stand before flags and descriptions, two lines each. */
class ExamplesFirst extends CommandHelp {
  /** Without the summary, which stands above everything already. */
  protected override description(): string | undefined {
    return this.command.description === undefined ? undefined : this.wrap(this.command.description);
  }

  protected override examples(examples: Command.Example[] | undefined): string | undefined {
    const shown = examples?.map((example) => {
      const { command, description } = typeof example === 'string' ? { command: example, description: undefined } : example;
      const lines = this.wrap(`$ ${this.render(command)}`, this.indentSpacing + 4).replaceAll('\n', ' \\\n    ');
      return description === undefined ? lines : `# ${description}\n${lines}`;
    });
    return shown?.join('\n\n');
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const sections = super.sections();
    const isExamples = ({ header }: { header: string }) => header === 'EXAMPLES';
    return [...sections.filter(isExamples), ...sections.filter((section) => !isExamples(section))];
  }
}

/** oclif's help with the examples first and the flags in the order of their table. */
export class CrtHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst;

  constructor(config: Interfaces.Config, options: Partial<Interfaces.HelpOptions> = {}) {
    super(config, { ...options, flagSortOrder: 'none' });
  }

  /** oclif's own way throws where nobody can catch it when stdout is full. */
  protected override log(...args: string[]): void {
    writeAll(1, `${args.join('\n')}\n`);
  }

  override formatRoot(): string {
    const width = Math.max(...EXAMPLES.map(([command]) => command.length));
    const lines = EXAMPLES.map(([command, what]) => (this.opts.maxWidth < 90 ? command : `${command.padEnd(width + 3)}${what}`));
    return `${this.section('EXAMPLES', lines.map((line) => `$ ${line}`).join('\n'))}\n\n${super.formatRoot()}`;
  }
}
