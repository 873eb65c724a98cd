import { BugError, printable, UserError } from '../index.js';
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

/** Prints what went wrong, the one place that does, and answers the exit code. */
export function report(error: unknown): number {
  const { red, dim, reset } = paint();
  const head = `${red}crt:${reset} `;
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? '' : `${dim}${indent(harmless(error.hint))}${reset}\n`;
    const more = error.check === undefined ? '' : `${dim}${indent(`tells more: ${asTyped()} doctor ${error.check}`)}${reset}\n`;
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

function indent(text: string): string {
  return text.replace(/^/gm, '     ');
}
