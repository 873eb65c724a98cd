import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { report } from '../cli/report.js';
import { formatBytes, NoContainerError, printable, type Removed, remove } from '../index.js';

export default class Rm extends Command {
  static override summary = 'Remove containers: their records, their kept layers, whatever is left of them';
  static override usage = 'rm [-f] NAME...';
  static override examples = [
    { description: 'Remove a container that was run with --keep', command: 'sudo <%= config.bin %> rm box' },
    { description: 'Kill it first when it runs', command: 'sudo <%= config.bin %> rm -f box' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = { force: Flags.boolean({ char: 'f', summary: 'Kill a container that runs' }) };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Rm);
    const names = [...new Set(args.name)];
    // Each name is tried: one that cannot be removed must not keep the others.
    return Math.max(...names.map((name) => this.#remove(name, flags.force)));
  }

  #remove(name: string, force: boolean): number {
    try {
      writeAll(1, `${describe(remove(name, { force }))}\n`);
      return 0;
    } catch (error) {
      const code = report(error);
      // As docker has it: gone is what was asked for.
      return force && error instanceof NoContainerError ? 0 : code;
    }
  }
}

/** `removed box: killed it, its cgroups, a layer of 1.5 MiB`. */
function describe({ name, killed, cgroups, layers, directory }: Removed): string {
  const parts = [
    killed ? 'killed its processes' : '',
    cgroups.length > 0 ? `${cgroups.length} cgroup ${cgroups.length === 1 ? 'directory' : 'directories'}` : '',
    ...layers.map(({ path, bytes }) => `layer ${path}${bytes === undefined ? '' : ` (${formatBytes(bytes)})`}`),
    directory === undefined ? '' : `record ${directory}`,
  ];
  return printable(`removed ${name}: ${parts.filter((part) => part !== '').join(', ')}`);
}
