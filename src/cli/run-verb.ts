import { checkName, run, splitRun, UserError } from '../index.js';
import { explanation } from './explanation.js';
import { FlagValues } from './flag-values.js';
import { refuseUnbuiltFlags } from './not-built.js';
import { requireRoot } from './privilege.js';
import { notice } from './report.js';
import { RUN_FLAGS, type RunFlagName } from './run-flags.js';
import { toRunOptions } from './run-options.js';

/**
 * `crt run`, from the words after the verb to the exit code. `help`: crt's part of the line asks for it.
 * @throws UserError
 */
export async function runVerb(argv: readonly string[]): Promise<number | 'help'> {
  const { name, flags, command } = splitRun(argv, RUN_FLAGS);
  const values = new FlagValues<RunFlagName>(flags, RUN_FLAGS);
  if (values.toggle('help')) return 'help';
  refuseUnbuiltFlags(values);
  if (name === undefined) throw new UserError('crt run needs a name for the container', { hint: 'for example: sudo crt run mycontainer' });
  const explain = explanation(values);
  if (!explain.only) requireRoot('run', argv);
  const options = { ...toRunOptions(checkName(name), command, values), onNotice: notice };
  if (explain.only) return explain.only(options);
  const result = await run({ ...options, ...explain.hooks });
  return result.exitCode;
}
