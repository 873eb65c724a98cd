import { UserError } from '../errors.js';
import type { MountOption } from '../options.js';
import { checkTarget } from './mount-target.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';
import { parseSize } from './size.js';
import { parseMode } from './tmpfs.js';
import { hostSource } from './volume.js';

const EXAMPLE = 'for example: --mount type=bind,source=./data,target=/data,readonly';
/** docker's other spellings. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['src', 'source'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['ro', 'readonly'],
]);
const KEYS = ['type', 'source', 'target', 'readonly', 'tmpfs-size', 'tmpfs-mode', 'bind-propagation'];

/**
 * The text of `--mount`: `type=bind,source=HOST,target=DIR[,readonly]` or `type=tmpfs,target=DIR[,tmpfs-size=…,tmpfs-mode=…]`,
 * comma-separated as RFC 4180 has it: a field with a comma stands in double quotes. Without a type it is a bind.
 * @param cwd absolute: where `./data` is looked for
 * @throws UserError for an unknown or repeated key, another type, a place where nothing may be mounted.
 */
export function parseMount(text: string, cwd: string): MountOption {
  const fields = readFields(text);
  const type = fields.get('type') ?? 'bind';
  if (type !== 'bind' && type !== 'tmpfs')
    throw new UserError(`--mount: crt does not have mounts of type ${quote(type)}`, { hint: `bind or tmpfs; ${EXAMPLE}` });
  const target = fields.get('target');
  if (target === undefined) throw new UserError(`--mount ${quote(text)} has no target`, { hint: EXAMPLE });
  const readonly = readToggle(fields.get('readonly'));
  const common = { target: checkTarget(target, '--mount target'), ...(readonly ? { readonly } : {}) };
  return type === 'bind' ? readBind(fields, cwd, common) : readTmpfs(fields, common);
}

type Fields = ReadonlyMap<string, string>;
type Common = Pick<MountOption, 'target' | 'readonly'>;

function readBind(fields: Fields, cwd: string, common: Common): MountOption {
  refuse(fields, ['tmpfs-size', 'tmpfs-mode'], 'a bind');
  const source = fields.get('source');
  if (!source) throw new UserError('--mount: a bind needs a source', { hint: EXAMPLE });
  const propagation = fields.get('bind-propagation') ?? 'rprivate';
  if (propagation !== 'rprivate')
    throw new UserError(`--mount: crt does not have bind-propagation ${quote(propagation)}`, {
      hint: 'rprivate is what there is: leave it out',
    });
  return { type: 'bind', source: hostSource(source, cwd, '--mount source'), ...common };
}

function readTmpfs(fields: Fields, common: Common): MountOption {
  refuse(fields, ['source', 'bind-propagation'], 'a tmpfs');
  const mount: MountOption = { type: 'tmpfs', ...common };
  const size = fields.get('tmpfs-size');
  const mode = fields.get('tmpfs-mode');
  if (size !== undefined) mount.size = parseSize(size, '--mount tmpfs-size');
  if (mode !== undefined) mount.mode = parseMode(mode, '--mount tmpfs-mode');
  return mount;
}

function refuse(fields: Fields, keys: readonly string[], kind: string): void {
  const key = keys.find((candidate) => fields.has(candidate));
  if (key !== undefined) throw new UserError(`--mount: ${kind} has no ${key}`, { hint: EXAMPLE });
}

function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitCommas(text)) {
    const equals = field.indexOf('=');
    const written = equals === -1 ? field : field.slice(0, equals);
    const key = ALIASES.get(written) ?? written;
    if (!KEYS.includes(key)) {
      const guess = nearest(written, [...KEYS, ...ALIASES.keys()]);
      throw new UserError(`--mount: crt does not know ${quote(written)}`, { hint: guess ? `did you mean ${guess}?` : EXAMPLE });
    }
    if (fields.has(key)) throw new UserError(`--mount ${quote(text)} has two of ${key}`, { hint: EXAMPLE });
    if (equals === -1 && key !== 'readonly') throw new UserError(`--mount: ${key} needs a value`, { hint: EXAMPLE });
    fields.set(key, equals === -1 ? 'true' : field.slice(equals + 1));
  }
  return fields;
}

function readToggle(value = 'false'): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UserError(`--mount: readonly is true or false, not ${quote(value)}`, { hint: EXAMPLE });
}

/** One record of RFC 4180: `"source=/a,b",target=/c`, where `""` inside quotes is one quote. */
function splitCommas(text: string): string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)];
  const covered = fields.reduce((sum, [whole]) => sum + whole.length, 0);
  if (covered !== text.length)
    throw new UserError(`--mount ${quote(text)}: the quotes do not match`, { hint: 'quote a whole field: "source=/a,b"' });
  return fields.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}
