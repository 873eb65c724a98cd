import {
  checkName,
  type DetachOptions,
  prepare,
  prepareDetached,
  type RunOptions,
  run,
  runDetached,
  splitRun,
  UserError,
} from '../index.js';
import { refuseDetachFlags, toDetachOptions } from './detach-options.js';
import { describeEnding } from './ending.js';
import { explainForm, narrate, printPlan } from './explanation.js';
import { FlagValues } from './flag-values.js';
import { inFlags } from './in-flags.js';
import { refuseUnbuiltFlags } from './not-built.js';
import { refuseOtherWords } from './not-text.js';
import { writeAll } from './output.js';
import { requireRoot } from './privilege.js';
import { notice, report } from './report.js';
import { RUN_FLAGS, type RunFlagName } from './run-flags.js';
import { toRunOptions } from './run-options.js';
import { SignalRelay } from './signals.js';

/**
 * `crt run`, from the words after the verb to the exit code. `help`: crt's part of the line asks for it.
 * @throws UserError
 */
export async function runVerb(argv: readonly string[]): Promise<number | 'help'> {
  refuseOtherWords(argv);
  const { name, flags, command } = splitRun(argv, RUN_FLAGS);
  const values = new FlagValues<RunFlagName>(flags, RUN_FLAGS);
  if (values.toggle('help')) return 'help';
  if (name === undefined) throw new UserError('crt run needs a name for the container', { hint: 'for example: sudo crt run mycontainer' });
  checkName(name);
  refuseUnbuiltFlags(values);
  const form = explainForm(values);
  const dryRun = values.toggle('dry-run') ?? false;
  requireRoot('run', argv);
  try {
    const options = { ...toRunOptions(name, command, values), onNotice: notice };
    const alone = values.toggle('detach') ? toDetachOptions(options, values) : refuseDetachFlags(values);
    if (dryRun || form === 'sh') return printPlan(alone ? prepareDetached(alone) : prepare(options), form ?? 'text');
    if (alone) return await runAlone(alone, form);
    return await runToEnd(form === undefined ? options : { ...options, ...narrate(() => prepare(options), form) });
  } catch (error) {
    return report(inFlags(error, values), values.text('rootfs'));
  }
}

/** Leaves it to its monitor, and prints its name. */
async function runAlone(options: DetachOptions, form: 'text' | 'json' | undefined): Promise<number> {
  const relay = new SignalRelay();
  try {
    const { signal } = relay.listen();
    const { name } = await runDetached({
      ...options,
      ...(form === undefined ? {} : narrate(() => prepareDetached(options), form)),
      ...(signal ? { signal } : {}),
    });
    writeAll(1, `${name}\n`);
    return 0;
  } catch (error) {
    if (relay.exitCode !== undefined) return relay.exitCode;
    throw error;
  }
}

async function runToEnd(options: RunOptions): Promise<number> {
  const relay = new SignalRelay();
  try {
    const result = await run({ ...options, ...relay.listen() });
    const ending = describeEnding(result, options.timeout);
    if (ending !== undefined) notice(ending);
    return relay.exitCode ?? result.exitCode;
  } catch (error) {
    // Who interrupts a start knows why it did not come about.
    if (relay.exitCode !== undefined) return relay.exitCode;
    throw error;
  }
}
