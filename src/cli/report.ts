import { BugError, printable, shellWord, UserError } from '../index.js';
import { writeAll } from './output.js';
import { asTyped } from './privilege.js';
import { screen } from './screen.js';

/** Escape sequences for stderr, empty where colour is not wanted. */
function paint(): { red: string; dim: string; reset: string } {
  return screen(2).color ? { red: '\x1b[31m', dim: '\x1b[2m', reset: '\x1b[0m' } : { red: '', dim: '', reset: '' };
}

/** Names and paths end up in messages: what a terminal would act on is spelled out, but for the message's own lines. */
function harmless(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** oclif's own errors, told by their shape: the class lives in a bundle that may not be loaded. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && 'oclif' in error;
}

/** One line for people on stderr, at once and whole: the process may leave right after. */
export function notice(text: string): void {
  writeAll(2, `crt: ${harmless(text)}\n`);
}

/** Prints what went wrong, the one place that does, and answers the exit code. @param rootfs `--rootfs`, where it was given */
export function report(error: unknown, rootfs?: string): number {
  const { red, dim, reset } = paint();
  const head = `${red}crt:${reset} `;
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? '' : `${dim}${indent(harmless(error.hint))}${reset}\n`;
    const words = doctorWords(error, rootfs);
    const more = words === undefined ? '' : `${dim}${indent(harmless(`tells more: ${asTyped()} doctor ${words}`))}${reset}\n`;
    writeAll(2, `${head}${harmless(error.message)}\n${hint}${more}`);
    return error.exitCode;
  }
  if (isUsageError(error)) {
    writeAll(2, `${head}${harmless(error.message)}\n`);
    return 125;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const what = error instanceof BugError ? 'this is a bug of crt' : 'an error that crt did not foresee';
  writeAll(2, `${head}${what}; please report it with these lines\n${dim}${indent(harmless(stack))}${reset}\n`);
  return 125;
}

/** The checks that look at a rootfs. */
const OF_ROOTFS: readonly UserError['check'][] = ['rootfs', 'user-namespace', 'container'];

/** Undefined where a check would not tell more. */
function doctorWords({ check, isAsked }: UserError, rootfs: string | undefined): string | undefined {
  if (check === undefined || isAsked) return undefined;
  return rootfs !== undefined && OF_ROOTFS.includes(check) ? `${check} --rootfs ${shellWord(rootfs)}` : check;
}

function indent(text: string): string {
  return text.replace(/^/gm, '     ');
}
