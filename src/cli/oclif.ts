import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flush, type Interfaces, run, settings } from '@oclif/core';
import Attach from '../commands/attach.js';
import Completion from '../commands/completion.js';
import Cp from '../commands/cp.js';
import Diff from '../commands/diff.js';
import Doctor from '../commands/doctor.js';
import Events from '../commands/events.js';
import Exec from '../commands/exec.js';
import Help from '../commands/help.js';
import Inspect from '../commands/inspect.js';
import Kill from '../commands/kill.js';
import Logs from '../commands/logs.js';
import Pause from '../commands/pause.js';
import Prune from '../commands/prune.js';
import Ps from '../commands/ps.js';
import Restart from '../commands/restart.js';
import Rm from '../commands/rm.js';
import Run from '../commands/run.js';
import Start from '../commands/start.js';
import Stats from '../commands/stats.js';
import Stop from '../commands/stop.js';
import Top from '../commands/top.js';
import Undo from '../commands/undo.js';
import Unpause from '../commands/unpause.js';
import Update from '../commands/update.js';
import Verify from '../commands/verify.js';
import Wait from '../commands/wait.js';
import { report } from './report.js';
import { inOwnWords } from './usage-words.js';

export { CrtHelp } from './help.js';

/** oclif's explicit strategy: package.json names this table. */
export const COMMANDS = {
  attach: Attach,
  completion: Completion,
  cp: Cp,
  diff: Diff,
  doctor: Doctor,
  events: Events,
  exec: Exec,
  help: Help,
  inspect: Inspect,
  kill: Kill,
  logs: Logs,
  pause: Pause,
  prune: Prune,
  ps: Ps,
  restart: Restart,
  rm: Rm,
  run: Run,
  start: Start,
  stats: Stats,
  stop: Stop,
  top: Top,
  undo: Undo,
  unpause: Unpause,
  update: Update,
  verify: Verify,
  wait: Wait,
};

/**
 * Runs a command line with oclif and answers the exit code. Errors are printed here: this module is a bundle of its own, in
 * which UserError is another class than in the door's.
 */
export async function oclif(argv: readonly string[], root: URL): Promise<number> {
  settings.enableAutoTranspile = false;
  try {
    const exitCode: unknown = await run([...argv], loadOptions(root));
    await flush();
    return typeof exitCode === 'number' ? exitCode : 0;
  } catch (error) {
    return report(inOwnWords(error, argv[0] ?? 'help'));
  }
}

/** The commands are this module's own table, bundled or from source; and no plugins: no folder of a caller adds code to a program run by root. */
function loadOptions(root: URL): Interfaces.Options {
  const pjson = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Interfaces.PJSON;
  const target = fileURLToPath(import.meta.url);
  const commands = { strategy: 'explicit', target, identifier: 'COMMANDS' } as const;
  pjson.oclif = { ...pjson.oclif, commands, helpClass: { target, identifier: 'CrtHelp' } };
  return { root: fileURLToPath(root), pjson, isRoot: true, userPlugins: false, devPlugins: false, jitPlugins: false };
}
