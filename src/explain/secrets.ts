/** Names whose values are nobody's business on a screen or in a log. */
const SECRET = /KEY|TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL/i;

/** What stands for a value that is not shown. */
export const HIDDEN = '(hidden)';

export interface Secrecy {
  /** Print the values of variables with KEY, TOKEN, PASSWORD, SECRET and the like in their names. Default false. */
  readonly showSecrets?: boolean;
}

export interface Variable {
  readonly name: string;
  readonly value: string;
  /** The value is not to be shown. */
  readonly hidden: boolean;
}

/** One `NAME=value` of an environment, told apart. */
export function readVariable(entry: string, { showSecrets = false }: Secrecy = {}): Variable {
  const equals = entry.indexOf('=');
  const name = equals === -1 ? entry : entry.slice(0, equals);
  return { name, value: equals === -1 ? '' : entry.slice(equals + 1), hidden: !showSecrets && SECRET.test(name) };
}

/** The entry as it may be shown: `API_TOKEN=(hidden)`. */
export function showVariable(entry: string, secrecy: Secrecy = {}): string {
  const { name, hidden } = readVariable(entry, secrecy);
  return hidden ? `${name}=${HIDDEN}` : entry;
}
