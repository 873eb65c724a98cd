import { UserError } from '../errors.js';
import type { MountOption } from '../options.js';
import { checkTarget } from './mount-target.js';
import { quote } from './quote.js';
import { parseSize } from './size.js';

/** What holds of every tmpfs of crt anyway, as with docker. */
const ALWAYS: ReadonlySet<string> = new Set(['rw', 'nosuid', 'nodev', 'noexec']);

/**
 * The text of `--tmpfs`: `/run`, `/run:size=64m,mode=1777,ro`.
 * @throws UserError for an unknown option or a place where nothing may be mounted.
 */
export function parseTmpfs(text: string): MountOption {
  const colon = text.indexOf(':');
  const mount: MountOption = { type: 'tmpfs', target: checkTarget(colon === -1 ? text : text.slice(0, colon), '--tmpfs') };
  if (colon === -1) return mount;
  for (const option of text.slice(colon + 1).split(',')) {
    if (ALWAYS.has(option)) continue;
    if (option === 'ro') mount.readonly = true;
    else if (option.startsWith('size=')) mount.size = parseSize(option.slice('size='.length), '--tmpfs size');
    else if (option.startsWith('mode=')) mount.mode = parseMode(option.slice('mode='.length), '--tmpfs mode');
    else throw unknownOption(text, option);
  }
  return mount;
}

function unknownOption(text: string, option: string): UserError {
  const hint = 'size=, mode=, ro: --tmpfs /run:size=64m,mode=1777';
  const always = option === 'exec' || option === 'suid' || option === 'dev';
  const why = always ? `a tmpfs of crt is always no${option}` : `${quote(option)} is not an option that crt has`;
  return new UserError(`--tmpfs ${quote(text)}: ${why}`, { hint });
}

/** Permission bits in octal, as chmod(1) takes them. @throws UserError */
export function parseMode(text: string, what: string): number {
  if (/^0?[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  throw new UserError(`${what}: ${quote(text)} is not a mode`, { hint: 'three or four octal digits: 1777, 755' });
}
