import { resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { LabelParts, SecurityOptions } from '../options.js';
import { checkContext, checkLabelPart, checkProfileName } from './lsm.js';
import { checkAbsolute, checkPathText } from './mount-target.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';
import { list, oneOf, optional, type Reader, record, text, toggle, wrong } from './schema.js';

const KNOWN = [
  'no-new-privileges[=true|false]',
  'seccomp=unconfined|FILE',
  'setid[=true|false]',
  'mask=PATH[:PATH…]',
  'unmask=ALL|PATH[:PATH…]',
  'systempaths=unconfined',
  'apparmor=NAME|unconfined',
  'label=disable|user:U|role:R|type:T|level:L|CONTEXT',
];
const HINT = `--security-opt takes ${KNOWN.join(', ')}`;
/** Those that are true where no value is given. */
const TOGGLES: readonly string[] = ['no-new-privileges', 'setid'];
const LABEL_PARTS = ['user', 'role', 'type', 'level'] as const satisfies readonly (keyof LabelParts)[];

type Read = (value: string, given: SecurityOptions, context: { cwd: string; text: string }) => SecurityOptions;

/** How each key of `--security-opt` changes what was read before it; of those that are no lists the last one wins. */
const READERS: Readonly<Record<string, Read>> = {
  'no-new-privileges': (value, given, context) => ({ ...given, noNewPrivileges: readToggle(value, context.text) }),
  setid: (value, given, context) => ({ ...given, setId: readToggle(value, context.text) }),
  seccomp: (value, given, { cwd, text: whole }) => {
    if (value === '') throw new UserError(`--security-opt ${quote(whole)} names no profile`, { hint: HINT });
    return { ...given, seccomp: value === 'unconfined' ? value : resolve(cwd, value) };
  },
  mask: (value, given) => ({
    ...given,
    mask: [...(given.mask ?? []), ...value.split(':').map((path) => maskPath(path, '--security-opt mask'))],
  }),
  unmask: (value, given) => {
    if (given.unmask === 'ALL' || value.toUpperCase() === 'ALL') return { ...given, unmask: 'ALL' };
    return { ...given, unmask: [...(given.unmask ?? []), ...value.split(':').map((path) => maskPath(path, '--security-opt unmask'))] };
  },
  systempaths: (value, given, context) => {
    if (value !== 'unconfined') throw new UserError(`--security-opt ${quote(context.text)}: it can only be unconfined`, { hint: HINT });
    return { ...given, unmask: 'ALL' };
  },
  apparmor: (value, given) => ({ ...given, apparmor: checkProfileName(value, '--security-opt apparmor') }),
  label: (value, given) => ({ ...given, label: addLabel(value, given.label) }),
};

/**
 * The texts of `--security-opt`, in order; `KEY=VALUE`, or `KEY:VALUE` as docker once wrote them.
 * @param cwd absolute: where a profile's file is looked for
 * @returns undefined when there are none.
 * @throws UserError for an unknown key, with a list of those that there are, or a value that it does not take.
 */
export function parseSecurityOpts(texts: readonly string[], cwd: string): SecurityOptions | undefined {
  if (texts.length === 0) return undefined;
  return texts.reduce<SecurityOptions>((given, text) => {
    const [, key = '', value] = (/^([^=]*)=(.*)$/s.exec(text) ?? /^([^:]*)(?::(.*))?$/s.exec(text) ?? []) as (string | undefined)[];
    const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
    if (read !== undefined && (value !== undefined || TOGGLES.includes(key))) return read(value ?? 'true', given, { cwd, text });
    const guess = read === undefined ? nearest(key, Object.keys(READERS)) : undefined;
    throw new UserError(`--security-opt ${quote(text)}: ${read ? `${key} needs a value` : 'crt does not know this'}`, {
      hint: `${guess ? `did you mean ${guess}? ` : ''}${HINT}`,
    });
  }, {});
}

function readToggle(value: string, whole: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UserError(`--security-opt ${quote(whole)}: it is true or false`, { hint: HINT });
}

/** `disable`, a part of a context, or all of one; a later part joins those before it. */
function addLabel(value: string, before: SecurityOptions['label']): NonNullable<SecurityOptions['label']> {
  const what = '--security-opt label';
  if (value === 'disable') return value;
  const [, word = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(value) ?? [];
  const part = LABEL_PARTS.find((candidate) => candidate === word);
  if (part === undefined) return checkContext(value, what);
  return { ...(typeof before === 'object' ? before : {}), [part]: checkLabelPart(part, rest, what) };
}

function maskPath(path: unknown, what: string): string {
  const place = checkAbsolute(path, what);
  if (place === '/') throw new UserError(`${what}: / is the whole container`, { hint: 'name a path below it: /proc/kcore' });
  return place;
}

const label: Reader<NonNullable<SecurityOptions['label']>> = (value, path) => {
  if (typeof value === 'string') return value === 'disable' ? value : checkContext(value, path);
  const part = (name: keyof LabelParts): ReturnType<typeof optional<string>> =>
    optional((given, where) => checkLabelPart(name, text(given, where), where));
  return record<LabelParts>({ user: part('user'), role: part('role'), type: part('type'), level: part('level') })(value, path);
};

const seccomp: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (given !== 'unconfined' && !given.startsWith('/')) throw wrong(path, value, 'unconfined or the absolute path of a profile');
  checkPathText(given, path);
  return given;
};

/** The fields of RunOptions.securityOpt. */
export const SECURITY_OPT: Reader<SecurityOptions> = record<SecurityOptions>({
  noNewPrivileges: optional(toggle),
  setId: optional(toggle),
  seccomp: optional(seccomp),
  mask: optional(list(maskPath)),
  unmask: optional((value, path) => (typeof value === 'string' ? oneOf('ALL')(value, path) : list(maskPath)(value, path))),
  apparmor: optional(checkProfileName),
  label: optional(label),
});
