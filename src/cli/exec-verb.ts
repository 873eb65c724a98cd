import { type ExecOptions, exec, execDetached, parseDuration, shellWord, splitRun, UserError } from '../index.js';
import { EXEC_FLAGS, type ExecFlagName } from './exec-flags.js';
import { FlagValues } from './flag-values.js';
import { inFlags } from './in-flags.js';
import { refuseOtherWords } from './not-text.js';
import { requireRoot } from './privilege.js';
import { notice, report } from './report.js';
import { streamOptions, variables } from './run-options.js';
import { SignalRelay } from './signals.js';

/**
 * `crt exec`, from the words after the verb to the exit code. `help`: crt's part of the line asks for it.
 * @throws UserError
 */
export async function execVerb(argv: readonly string[]): Promise<number | 'help'> {
  refuseOtherWords(argv);
  const { name, flags, command } = splitRun(argv, EXEC_FLAGS, 'exec');
  const values = new FlagValues<ExecFlagName>(flags, EXEC_FLAGS);
  if (values.toggle('help')) return 'help';
  if (name === undefined)
    throw new UserError('crt exec needs the name of a container and a command', { hint: 'for example: sudo crt exec mycontainer ps' });
  if (command.length === 0)
    throw new UserError('crt exec needs a command, after the name of the container', { hint: `sudo crt exec ${shellWord(name)} -- sh` });
  requireRoot('exec', argv);
  try {
    const options = toExecOptions(command, values);
    if (values.toggle('detach')) return await execAlone(name, options, values);
    return await execToEnd(name, options);
  } catch (error) {
    return report(inFlags(error, values));
  }
}

function toExecOptions(command: readonly string[], values: FlagValues<ExecFlagName>): ExecOptions {
  const timeout = values.text('timeout');
  return {
    command,
    env: variables(values),
    cwd: values.text('workdir'),
    user: values.text('user'),
    timeout: timeout === undefined ? undefined : parseDuration(timeout),
    ...streamOptions(values),
  };
}

async function execAlone(name: string, options: ExecOptions, values: FlagValues<ExecFlagName>): Promise<number> {
  if (options.timeout !== undefined)
    throw new UserError('--timeout: with -d nobody is there who would keep it', { hint: 'crt exec NAME -d -- timeout 90 COMMAND' });
  if (values.toggle('tty')) throw new UserError('--tty: with -d nobody sits at the terminal', { hint: 'leave out -t' });
  const { command, env, cwd, user } = options;
  const relay = new SignalRelay();
  try {
    const { signal } = relay.listen();
    await execDetached(name, { command, env, cwd, user, ...(signal ? { signal } : {}) });
    return 0;
  } catch (error) {
    if (relay.exitCode !== undefined) return relay.exitCode;
    throw error;
  }
}

async function execToEnd(name: string, options: ExecOptions): Promise<number> {
  const relay = new SignalRelay();
  try {
    const result = await exec(name, { ...options, ...relay.listen() });
    if (result.timedOut) notice(`the command in ${name} was killed after ${(options.timeout ?? 0) / 1000} s (--timeout)`);
    return relay.exitCode ?? result.exitCode;
  } catch (error) {
    // Who interrupts a start knows why it did not come about.
    if (relay.exitCode !== undefined) return relay.exitCode;
    throw error;
  }
}
