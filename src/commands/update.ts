import { Args, Command, Flags } from '@oclif/core';
import { eachName } from '../cli/each-name.js';
import { FlagValues } from '../cli/flag-values.js';
import { inFlags } from '../cli/in-flags.js';
import { RUN_FLAGS } from '../cli/run-flags.js';
import { limitOptions } from '../cli/run-options.js';
import { update } from '../index.js';

const LIMITS = ['memory', 'memory-swap', 'cpus', 'cpu-shares', 'cpuset-cpus', 'pids-limit'] as const;

export default class Update extends Command {
  static override summary = 'Change the limits of running containers';
  static override description =
    'What is not named stays. All limits of one container are changed or none. A memory limit below what it uses is refused, with the ' +
    'use; page cache is given up for it.';
  static override usage = 'update [LIMITS] NAME...';
  static override examples = [
    { description: 'More memory; the swap beside it stays', command: 'sudo <%= config.bin %> update --memory 200 box' },
    { description: 'Half a processor for two of them', command: 'sudo <%= config.bin %> update --cpus 0.5 web db' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = {
    memory: RUN_FLAGS.memory,
    'memory-swap': RUN_FLAGS['memory-swap'],
    cpus: RUN_FLAGS.cpus,
    'cpu-shares': RUN_FLAGS['cpu-shares'],
    'cpuset-cpus': RUN_FLAGS['cpuset-cpus'],
    'pids-limit': RUN_FLAGS['pids-limit'],
    force: Flags.boolean({ char: 'f', summary: 'On cgroup version 2, set a memory limit below the use, too: the kernel may kill for it' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Update);
    const words = LIMITS.flatMap((flag) => (flags[flag] === undefined ? [] : [`--${flag}=${flags[flag]}`]));
    const values = new FlagValues(words, RUN_FLAGS);
    const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pidsLimit } = limitOptions(values);
    const limits = { memory, memorySwap, cpus, cpuShares, cpusetCpus, pidsLimit };
    return eachName(args.name, (name) => {
      try {
        update(name, { ...limits, force: flags.force });
      } catch (error) {
        throw inFlags(error, values);
      }
    });
  }
}
