import { UserError } from '../errors.js';
import { quote, show } from './quote.js';

/** Longest container name, so that it is a hostname and one component of a path. */
const LONGEST_NAME = 63;
/** HOST_NAME_MAX of gethostname(2). */
const LONGEST_HOSTNAME = 64;

/**
 * A container's name: the hostname, the cgroup's name and the state folder's, so no path, no option, no escape sequence.
 * @throws UserError unless it is `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`.
 */
export function checkName(name: unknown): string {
  if (typeof name !== 'string') throw new UserError(`a container needs a name, not ${show(name)}`, { hint: 'for example: crt run box' });
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) return name;
  const hint = 'a name is letters, digits, _ . and -, begins with a letter or digit, and has at most 63 characters: crt run my-box';
  throw new UserError(`${quote(name)} is not a container name: ${nameProblem(name)}`, { hint });
}

function nameProblem(name: string): string {
  if (name === '') return 'it is empty';
  const strange = /[^A-Za-z0-9_.-]/u.exec(name)?.[0];
  if (strange !== undefined) return `it holds ${quote(strange)}`;
  if (/^[^A-Za-z0-9]/.test(name)) return `it begins with ${quote(name.charAt(0))}`;
  return `it has ${name.length} characters, ${LONGEST_NAME} are allowed`;
}

/**
 * A hostname for sethostname(2), which itself would take any bytes.
 * @throws UserError unless it is 1 to 64 letters, digits, `_`, `.` and `-`, beginning with a letter or digit.
 */
export function checkHostname(name: unknown, what = 'hostname'): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) && name.length <= LONGEST_HOSTNAME) return name;
  const hint = `letters, digits, . and -, at most ${LONGEST_HOSTNAME}: --hostname web-1`;
  throw new UserError(`${what}: ${show(name)} is not a hostname`, { hint });
}
