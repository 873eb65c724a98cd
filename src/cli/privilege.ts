import { basename } from 'node:path';
import { shellWord, UserError } from '../index.js';

/**
 * Mounts and namespaces need root for now.
 * @throws UserError with the line to type
 */
export function requireRoot(verb: string, argv: readonly string[]): void {
  if (process.geteuid?.() === 0) return;
  const words = [verb, ...argv].map(shellWord);
  throw new UserError(`crt ${verb} needs root: ${asTyped()} ${words.join(' ')}`);
}

/** How crt is started with root's rights by whoever started it now: `crt`, `sudo crt`, `sudo ./bin/run.js`. */
export function asTyped(): string {
  const isRootItself = process.geteuid?.() === 0 && process.env['SUDO_UID'] === undefined;
  return `${isRootItself ? '' : 'sudo '}${programWord()}`;
}

/** How a shell of root starts crt. */
export function programWord(): string {
  const program = process.argv[1] ?? 'crt';
  const here = `${currentFolder()}/`;
  const short = here !== '/' && program.startsWith(here) ? `./${program.slice(here.length)}` : program;
  return basename(program) === 'crt' ? 'crt' : shellWord(short);
}

/** Empty when it was removed. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
