import { Args, Command, Flags } from '@oclif/core';
import { attachVerb } from '../cli/attach-verb.js';
import { detachKeys } from '../cli/detach-keys.js';

export default class Attach extends Command {
  static override summary = 'Connect to the input and the output of a detached container';
  static override description =
    'Its output comes from its log, so a slow reader holds up nobody. Signals are passed on. The detach keys end the connection, and the container goes on.';
  static override usage = 'attach [--no-stdin] [--logs] [--detach-keys KEYS] NAME';
  static override examples = [
    { description: 'Its shell, if it was started with -dit', command: 'sudo <%= config.bin %> attach box' },
    { description: 'Only look', command: 'sudo <%= config.bin %> attach --no-stdin web' },
  ];
  static override args = { name: Args.string({ description: 'Name of the container', required: true, ignoreStdin: true }) };
  static override flags = {
    'no-stdin': Flags.boolean({ summary: 'Do not pass stdin on' }),
    'sig-proxy': Flags.boolean({ default: true, allowNo: true, summary: 'Pass signals on (the default)' }),
    'detach-keys': Flags.string({ helpValue: 'KEYS', summary: 'Letters, and ctrl-X, with commas (default ctrl-p,ctrl-q)' }),
    logs: Flags.boolean({ summary: 'Also what was said before' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Attach);
    const keys = detachKeys(flags['detach-keys']);
    return attachVerb(args.name, { input: !flags['no-stdin'], logs: flags.logs, passSignals: flags['sig-proxy'], ...keys });
  }
}
