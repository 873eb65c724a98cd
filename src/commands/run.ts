import { Args, Command } from '@oclif/core';
import { RUN_FLAGS } from '../cli/run-flags.js';
import { runVerb } from '../cli/run-verb.js';

/**
 * The command as oclif knows it: its help and its place in the manifest. The command line itself comes to `runVerb` without
 * oclif (src/cli/main.ts), whose parser would reorder the words of the container's command.
 */
export default class Run extends Command {
  static override summary = 'Run a command, or a shell, in a new container';
  static override description = [
    'The command is PID 1 of a container with namespaces and a control group of its own. Its root file system is never written: ' +
      'writes go to a layer that is gone afterwards.',
    "Flags are crt's until -- or the second bare word; from there on every word is the command's, untouched.",
    "The exit code is the command's: 128+n for a signal, 137 when the memory limit killed it, 124 for --timeout, 125 when crt " +
      'itself failed, 126 when the command cannot be executed, 127 when it is not there.',
  ].join('\n\n');
  static override usage = 'run NAME [flags] [--] [COMMAND [ARG...]]';
  static override args = {
    name: Args.string({ description: 'Letters, digits, _ . - (63 at most); the hostname too', required: true, ignoreStdin: true }),
    command: Args.string({ description: 'Default /bin/bash, else /bin/sh', multiple: true, ignoreStdin: true }),
  };
  static override flags = RUN_FLAGS;
  static override examples = [
    { description: 'A shell as PID 1', command: 'sudo <%= config.bin %> run mycontainer' },
    { description: 'The same, limited to 50 MiB of memory', command: 'sudo <%= config.bin %> run mycontainer --memory 50' },
    {
      description: 'One command with a folder, a variable and limits',
      command: 'sudo <%= config.bin %> run box -e A=1 -v ./data:/data:ro -w /data --pids-limit 64 --cpus 0.5 -- python3 job.py',
    },
    { description: 'Input and output by pipes', command: 'echo hello | sudo <%= config.bin %> run box -- tr a-z A-Z' },
    { description: 'See every step of the start; or only the plan', command: 'sudo <%= config.bin %> run box --explain' },
  ];

  async run(): Promise<number> {
    this.parsed = true;
    const exitCode = await runVerb(this.argv);
    return exitCode === 'help' ? 0 : exitCode;
  }
}
