import { UserError } from '../errors.js';
import type { RunOptions } from '../options.js';
import { CAPABILITIES, capabilityNames, capabilityNumber } from './capabilities.js';
import { defaultCapabilities } from './defaults.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';
import { type Reader, text } from './schema.js';
import { guardedCapabilities } from './set-id.js';
import type { Capabilities } from './types.js';

const ALL = 'ALL';

/** `net_admin`, `CAP_NET_ADMIN`, `all` → `CAP_NET_ADMIN`, `ALL`. @throws UserError with the nearest name */
export const checkCapability: Reader<string> = (value, path) => {
  const given = text(value, path);
  const upper = given.toUpperCase();
  if (upper === ALL || upper === 'CAP_ALL') return ALL;
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (capabilityNumber(name) !== undefined) return name;
  const guess = nearest(name, CAPABILITIES);
  throw new UserError(`${path}: ${quote(given)} is not a capability`, {
    hint: guess ? `did you mean ${guess}?` : 'ALL, or one of man 7 capabilities',
  });
};

/** The text of `--cap-add` or `--cap-drop`: one name, or several with commas between them. @throws UserError */
export function parseCapabilities(flag: '--cap-add' | '--cap-drop', given: string): string[] {
  return given.split(',').map((word) => checkCapability(word, flag));
}

/** @throws UserError for a capability that is both added and dropped, or that would get around the guard of setuid bits. */
export function checkCapabilityFlags(options: RunOptions): void {
  const { capAdd = [], capDrop = [] } = options;
  const guarded = capAdd.find((name) => guardedCapabilities(options).includes(name));
  if (guarded !== undefined) {
    throw new UserError(
      `capAdd: with ${guarded} and a folder of the host that can be written to, a file there could make anybody root of the host`,
      {
        hint: 'mount it :ro, or say that you mean it: --security-opt setid',
      },
    );
  }
  const both = capAdd.find((name) => capDrop.includes(name));
  if (both !== undefined) throw new UserError(`capAdd: ${both} is in capDrop, too`, { hint: 'leave one of the two out' });
}

/**
 * The sets that the options ask for, as docker counts: ALL added is all without the dropped ones; ALL dropped leaves the added
 * ones; else first some are dropped, then some are added. Inheritable and ambient stay empty, whoever the user is: what is
 * added is for root, and for setuid files where no_new_privs is off.
 * @param had all that the supervisor has, bit n for capability n
 */
export function toCapabilities(options: RunOptions, had: bigint): Required<Capabilities> {
  const { capAdd = [], capDrop = [], privileged } = options;
  const guarded = guardedCapabilities(options);
  const all = privileged || capAdd.includes(ALL) ? capabilityNames(had) : defaultCapabilities().bounding;
  const base = all.filter((name) => !guarded.includes(name));
  const kept = capDrop.includes(ALL) ? [] : base.filter((name) => !capDrop.includes(name));
  const names = [...new Set([...kept, ...capAdd.filter((name) => name !== ALL)])];
  return { bounding: [...names], effective: [...names], permitted: names, inheritable: [], ambient: [] };
}
