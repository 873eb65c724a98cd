import { UserError } from '../errors.js';
import type { RestartPolicy } from '../options.js';
import { quote } from './quote.js';

/** `no`, `always`, `unless-stopped` (which is the same here: what was stopped stays so), `on-failure`, `on-failure:N`. @throws UserError */
export function parseRestart(text: string): RestartPolicy {
  const [, on, retries] = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(text) ?? [];
  if (on === undefined || (retries !== undefined && on !== 'on-failure'))
    throw new UserError(`--restart ${quote(text)} is no policy`, { hint: 'one of no, always, on-failure, on-failure:3' });
  // As docker: none at all is no limit.
  if (on === 'on-failure') return Number(retries ?? 0) === 0 ? { on } : { on, retries: Number(retries) };
  return { on: on === 'no' ? 'no' : 'always' };
}
