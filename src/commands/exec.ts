import { Args, Command } from '@oclif/core';
import { EXEC_FLAGS } from '../cli/exec-flags.js';
import { execVerb } from '../cli/exec-verb.js';

/** The command as oclif knows it: its help and its place in the manifest. As with `run`, the line itself comes to `execVerb` without oclif. */
export default class Exec extends Command {
  static override summary = 'Run a further command in a running container';
  static override description = [
    'The command is in all namespaces and control groups of the container, and may do exactly what its first process may. Variables, user ' +
      'and directory are those that the container was started with, unless flags say otherwise.',
    "Flags are crt's until -- or the second bare word; from there on every word is the command's, untouched.",
    "The exit code is the command's: 128+n for a signal, 124 for --timeout, 125 when crt itself failed, 126 when the command cannot be " +
      'executed, 127 when it is not there.',
  ].join('\n\n');
  static override usage = 'exec NAME [flags] [--] COMMAND [ARG...]';
  static override args = {
    name: Args.string({ description: 'A running container (crt ps)', required: true, ignoreStdin: true }),
    command: Args.string({
      description: 'A program of the container, and its arguments',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = EXEC_FLAGS;
  static override examples = [
    { description: 'A second shell', command: 'sudo <%= config.bin %> exec mycontainer bash' },
    {
      description: 'As another user, elsewhere, with a variable',
      command: 'sudo <%= config.bin %> exec box -u 1000 -w /data -e A=1 -- make',
    },
    { description: 'A file of the container, to a file here', command: 'sudo <%= config.bin %> exec box cat /etc/hosts > hosts' },
  ];

  async run(): Promise<number> {
    this.parsed = true;
    const exitCode = await execVerb(this.argv);
    return exitCode === 'help' ? 0 : exitCode;
  }
}
