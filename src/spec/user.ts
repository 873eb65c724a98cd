import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** 2^32−1 is "no change" to setresuid(2), so the last id is one less. */
export const LAST_ID = 2 ** 32 - 2;

/** A user as `-u` names it; ids where they were given as numbers. */
export interface UserSpec {
  /** The text itself, for the helper that looks names up inside the rootfs. */
  readonly text: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const HINT = 'name, uid, name:group or uid:gid, for example -u 1000:1000';

/**
 * The text of `-u`: `name`, `uid`, `name:group`, `uid:gid`. Numbers are strictly decimal, 0 to 4294967294: what wraps
 * around to 0, or means "no change", once gave root to those who asked for less.
 * @param what the flag or field, for the message
 * @throws UserError for any other text.
 */
export function checkUser(text: string, what = 'user'): UserSpec {
  const parts = text.split(':');
  if (parts.length > 2) throw new UserError(`${what}: ${quote(text)} has more than one ":"`, { hint: HINT });
  const [uid, gid] = parts.map((part, at) => checkId(text, part, at === 0 ? 'user' : 'group', what));
  return { text, uid, gid };
}

/** The number, or undefined for a name. */
function checkId(text: string, part: string, kind: string, what: string): number | undefined {
  if (part === '') throw new UserError(`${what}: ${quote(text)} names no ${kind}`, { hint: HINT });
  if (/^\d/.test(part)) return checkNumber(part, kind, what);
  if (/^[A-Za-z_][A-Za-z0-9_.-]{0,254}\$?$/.test(part)) return undefined;
  throw new UserError(`${what}: ${quote(part)} is not a ${kind} name or number`, { hint: HINT });
}

/** The text of `--group-add`: a number, as {@link checkUser} takes it. @throws UserError for a name, too */
export function parseGroup(text: string): number {
  return checkNumber(text, 'group', '--group-add');
}

function checkNumber(part: string, kind: string, what: string): number {
  if (/^(0|[1-9]\d{0,9})$/.test(part) && Number(part) <= LAST_ID) return Number(part);
  const hint = `a decimal number from 0 to ${LAST_ID}, without leading zeros; a name begins with a letter or _`;
  throw new UserError(`${what}: ${quote(part)} is not a ${kind} id`, { hint });
}
