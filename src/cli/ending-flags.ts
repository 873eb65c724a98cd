import { constants } from 'node:os';
import { UserError } from '../index.js';

/** `-t SECONDS`, as the library takes it. @throws UserError */
export function patience(text: string | undefined): { timeout?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) throw new UserError(`--time ${JSON.stringify(text)} is no number of seconds`, { hint: '-t 10' });
  return { timeout: Number(text) * 1000 };
}

/** `TERM`, `SIGTERM`, `sigterm`, `15`. @throws UserError */
export function signalFlag(text: string | undefined): { signal?: NodeJS.Signals } {
  if (text === undefined) return {};
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  const upper = text.toUpperCase();
  const found = names.find((name) => name === upper || name === `SIG${upper}` || String(constants.signals[name]) === text);
  if (found === undefined)
    throw new UserError(`--signal ${JSON.stringify(text)} is no signal`, { hint: 'kill -l names them: TERM, HUP, USR1 …' });
  return { signal: found };
}
