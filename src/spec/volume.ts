import { isAbsolute, resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { MountOption } from '../options.js';
import { checkTarget } from './mount-target.js';
import { quote } from './quote.js';

/** What holds of every bind of crt anyway. */
const ALWAYS: ReadonlySet<string> = new Set(['rw', 'rbind', 'rprivate', 'nosuid', 'nodev']);
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['z', 'crt does not relabel files for SELinux'],
  ['Z', 'crt does not relabel files for SELinux'],
  ['U', 'crt does not change the owners of your files'],
  ['O', 'crt does not have overlay volumes yet'],
  ['shared', 'a mount made inside would show on the host'],
  ['rshared', 'a mount made inside would show on the host'],
  ['slave', 'crt does not pass mounts on into a running container'],
  ['rslave', 'crt does not pass mounts on into a running container'],
  ['suid', 'binds are always nosuid'],
  ['dev', 'binds are always nodev'],
]);

/**
 * The text of `-v`: `HOST:CONTAINER[:ro|rw]`.
 * @param cwd absolute: where `./data` is looked for
 * @throws UserError for a named or anonymous volume, an unknown option, a place where nothing may be mounted.
 */
export function parseVolume(text: string, cwd: string): MountOption {
  const [source = '', target, options, ...more] = text.split(':');
  const hint = 'HOST:CONTAINER[:ro], for example -v ./data:/data:ro; a path that holds ":" goes with --mount';
  if (more.length > 0) throw new UserError(`-v ${quote(text)} has more than two ":"`, { hint });
  if (target === undefined)
    throw new UserError(`-v ${quote(text)}: crt does not have volumes of its own, name the host's folder`, { hint });
  if (source === '') throw new UserError(`-v ${quote(text)} names no folder of the host`, { hint });
  const readonly = options !== undefined && isReadonly(text, options);
  const mount = { type: 'bind', source: hostSource(source, cwd, '-v'), target: checkTarget(target, '-v') } as const;
  return readonly ? { ...mount, readonly } : mount;
}

/**
 * The host's side of a bind, made absolute.
 * @throws UserError for a bare word: docker would make a volume of that name.
 */
export function hostSource(source: string, cwd: string, flag: string): string {
  if (isAbsolute(source)) return source;
  if (/^\.\.?(\/|$)/.test(source)) return resolve(cwd, source);
  const hint = source.startsWith('~') ? 'write "$HOME" for ~' : `for the folder here write ./${source}`;
  throw new UserError(`${flag}: ${quote(source)} names a volume, and crt does not have named volumes`, { hint });
}

function isReadonly(text: string, options: string): boolean {
  const words = options.split(',');
  for (const word of words) {
    if (word === 'ro' || ALWAYS.has(word)) continue;
    const why = REFUSED.get(word);
    const problem = why === undefined ? `${quote(word)} is not an option` : `the option "${word}" is refused: ${why}`;
    throw new UserError(`-v ${quote(text)}: ${problem}`, { hint: 'ro or rw: -v ./data:/data:ro' });
  }
  if (words.includes('ro') && words.includes('rw')) throw new UserError(`-v ${quote(text)} says both ro and rw`, { hint: 'choose one' });
  return words.includes('ro');
}
