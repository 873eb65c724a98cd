import { readFileSync } from 'node:fs';
import { attend, nearest, UserError } from '../index.js';
import { execVerb } from './exec-verb.js';
import { refuseUnbuiltVerb } from './not-built.js';
import { writeAll } from './output.js';
import { report } from './report.js';
import { runVerb } from './run-verb.js';

/** The verbs whose start counts: without oclif. */
const DIRECT: Readonly<Record<string, (argv: readonly string[]) => Promise<number | 'help'>>> = { run: runVerb, exec: execVerb };
/** The verbs that oclif runs. */
const VERBS = [
  'attach',
  'completion',
  'cp',
  'diff',
  'doctor',
  'events',
  'help',
  'inspect',
  'kill',
  'logs',
  'pause',
  'prune',
  'ps',
  'restart',
  'rm',
  'start',
  'stats',
  'stop',
  'top',
  'undo',
  'unpause',
  'update',
  'verify',
  'wait',
];

/** After which the process leaves at once. */
const LEAVING: ReadonlySet<string> = new Set([...Object.keys(DIRECT), 'doctor', 'attach', 'start', 'logs', 'cp']);

/**
 * The command line, from the words to the exit code. `run`, `exec` and `--version` go straight to their work; everything else, help
 * for those included, is oclif's, which is loaded only then. `root` is the package's folder.
 */
export async function main(argv: readonly string[], root: URL): Promise<void> {
  process.exitCode = await dispatch(argv, root).catch(report);
  // All is written (output.ts) and undone: what may still hold the event loop, a half-read stdin or a check that hangs, must not hold the caller.
  if (LEAVING.has(argv[0] ?? '')) process.exit();
}

async function dispatch(argv: readonly string[], root: URL): Promise<number> {
  const [verb = '--help', ...rest] = argv;
  if (verb === '--version' || verb === '-v') return printVersion(root);
  const direct = Object.hasOwn(DIRECT, verb) ? DIRECT[verb] : undefined;
  if (direct !== undefined) {
    const exitCode = await direct(rest);
    return exitCode === 'help' ? runOclif([verb, '--help'], root) : exitCode;
  }
  // A monitor waits for it.
  if (verb === 'undo' && rest.length === 1) return undoVerb(rest[0] ?? '');
  refuseUnbuiltVerb(verb);
  if (!verb.startsWith('-') && !VERBS.includes(verb)) throw unknownVerb(verb);
  return runOclif(argv, root);
}

async function runOclif(argv: readonly string[], root: URL): Promise<number> {
  const { oclif } = await import('./oclif.js');
  return oclif(argv, root);
}

/** What a monitor starts: the number on stdout is for it, milliseconds until it asks again. */
async function undoVerb(name: string): Promise<number> {
  const wait = await attend(name);
  if (wait !== undefined) writeAll(1, String(wait));
  return 0;
}

function printVersion(root: URL): number {
  const { name, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { name: string; version: string };
  writeAll(1, `${name} ${version}\n`);
  return 0;
}

function unknownVerb(verb: string): UserError {
  const guess = nearest(verb, [...Object.keys(DIRECT), ...VERBS]);
  return new UserError(`crt has no command ${JSON.stringify(verb)}`, {
    hint: guess ? `did you mean: crt ${guess}` : 'what there is: crt --help',
  });
}
