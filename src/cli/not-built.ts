import { printable, shellWord, UserError } from '../index.js';
import type { FlagValues } from './flag-values.js';
import type { RunFlagName } from './run-flags.js';

/** Verbs of the command line that are to come. They are no commands: help does not list what does not work. */
const VERBS = new Set(`pull`.split(' '));

/** Flags of `crt run` that are to come, and what there is instead. */
const FLAGS: Partial<Record<RunFlagName, string>> = {
  entrypoint: 'name the command itself: crt run NAME -- COMMAND …',
  image: 'take an unpacked root file system: --rootfs DIR',
};

/** Flags of which some values are there. */
const VALUES: Partial<Record<RunFlagName, readonly string[]>> = {
  network: ['none', 'host'],
  net: ['none', 'host'],
  userns: ['auto', 'host'],
};

/** @throws UserError, exit code 125, when the verb is planned and not there yet. */
export function refuseUnbuiltVerb(verb: string): void {
  if (VERBS.has(verb)) throw new UserError(`crt ${verb} is not built yet`, { hint: 'what there is: crt --help' });
}

/** @throws UserError, exit code 125, for a flag that is planned and not there yet. */
export function refuseUnbuiltFlags(values: FlagValues<RunFlagName>): void {
  for (const [flag, hint] of Object.entries(FLAGS)) {
    const given = values.text(flag as RunFlagName);
    if (given !== undefined) throw new UserError(`--${flag} is not built yet`, { hint });
  }
  for (const [flag, there] of Object.entries(VALUES)) {
    const missing = values.all(flag as RunFlagName).find((value) => !there.includes(value));
    if (missing !== undefined)
      throw new UserError(`--${flag} ${shellWord(printable(missing))} is not built yet`, { hint: `what there is: ${there.join(', ')}` });
  }
}
