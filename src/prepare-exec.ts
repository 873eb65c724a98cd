import { existsSync, lstatSync } from 'node:fs';
import { isFrozen } from './cgroup/freezer.js';
import { UserError } from './errors.js';
import { findRunning, type RunningEntry } from './find.js';
import { shellWord } from './format/shell-word.js';
import { bootId, isAlive, isForeign } from './host/process.js';
import { helperPath } from './launch/helper-path.js';
import type { ExecOptions } from './options.js';
import { compileExec } from './plan/compile-exec.js';
import type { DecodedStep } from './plan/decode.js';
import { type HostPath, type Plan, toHostPath } from './plan/step.js';
import { hasUserNamespace } from './plan/user.js';
import { checkExec } from './spec/check-exec.js';
import { IDS } from './spec/defaults.js';
import type { Config, Process } from './spec/types.js';
import { checkUser } from './spec/user.js';
import { validateConfig } from './spec/validate.js';
import { systemError } from './state/failure.js';
import { CorruptFile } from './state/file.js';
import { journal } from './state/journal.js';
import { stateRoots } from './state/roots.js';
import { ForeignPlan, readStartedConfig, readStartedPlan } from './state/started.js';
import type { Entry } from './state/store.js';

/** All that a further command in a container needs, decided. Nothing is made. */
export interface PreparedExec {
  readonly name: string;
  readonly options: ExecOptions;
  readonly helper: HostPath;
  /** The container's, its `process` being the command. */
  readonly config: Config;
  readonly plan: Plan;
  /** PID 1 has ended, and with it whatever is in its pid namespace. */
  readonly hasEnded: () => boolean;
  /** Writes down that the command runs. */
  readonly noted: () => void;
}

/**
 * Decides how a command enters the container: confined as its state folder says that PID 1 was.
 * @throws UserError for bad options; for a container that does not run, is paused, or whose folder does not say it
 */
export function prepareExec(name: string, given: ExecOptions, env: NodeJS.ProcessEnv = process.env): PreparedExec {
  const options = checkExec(given);
  if (process.geteuid?.() !== 0)
    throw new UserError('entering a container needs root', { hint: `sudo crt exec ${shellWord(name)} …`, check: 'privilege' });
  const roots = stateRoots(env);
  const entry = findRunning(name, roots);
  const { init } = entry;
  if (isForeign(init)) {
    throw new UserError(`${name} runs in another pid namespace, so its processes have no numbers here`, {
      hint: 'enter it from where it was started',
    });
  }
  const started = readStart(entry);
  const config = forCommand(readConfig(entry), options);
  const cgroups = ownCgroups(entry);
  if (isFrozen(cgroups))
    throw new UserError(`${name} is paused: a command in it would stand still as well`, { hint: `crt unpause ${shellWord(name)}` });
  const cgroupVersion = cgroups.some((path) => existsSync(`${path}/cgroup.controllers`)) ? 2 : 1;
  const plan = believe(entry, 'plan', () =>
    compileExec(config, { pid: init.pid, startTime: init.startTime, started, cgroups, cgroupVersion }),
  );
  return {
    name,
    options,
    helper: helperPath(),
    config,
    plan,
    hasEnded: () => !isAlive(init),
    noted: () => void journal(roots, { event: 'exec', name, id: entry.record.id }),
  };
}

/** The steps by which the container was started. */
export function readStart(entry: Entry): readonly DecodedStep[] {
  return believe(entry, 'plan', () => {
    const started = readStartedPlan(entry.directory);
    if (started === undefined) throw new CorruptFile('is missing');
    return started;
  });
}

function readConfig(entry: RunningEntry): Config {
  return believe(entry, 'config.json', () => {
    const config = readStartedConfig(entry.directory);
    if (config === undefined) throw new CorruptFile('is missing');
    return validateConfig(config);
  });
}

/** What is read from a state folder: damage is said in words, and nothing is entered with less than all of it. */
function believe<T>({ name, directory }: Entry, file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ForeignPlan) {
      throw new UserError(`${name} was started by another version of crt, whose plans this one does not read`, {
        hint: `start it again; to end it: crt rm -f ${shellWord(name)}`,
      });
    }
    const isDamage =
      cause instanceof CorruptFile || cause instanceof SyntaxError || cause instanceof RangeError || cause instanceof TypeError;
    const isRefusal = file === 'config.json' && cause instanceof UserError;
    if (!isDamage && !isRefusal) throw systemError(`cannot read ${directory}/${file}`, cause);
    throw new UserError(`the state folder of ${name} does not say how it is confined, so nothing enters it: ${file} ${words(cause)}`, {
      hint: `start it again; to end it: crt rm -f ${shellWord(name)}`,
      check: 'leftovers',
      cause,
    });
  }
}

function words(cause: Error): string {
  return cause instanceof CorruptFile ? cause.message : `is damaged (${cause.message})`;
}

/** @throws UserError when one is not there any more, or is another by now */
function ownCgroups({ name, cgroups }: RunningEntry): readonly HostPath[] {
  if (cgroups === undefined || cgroups.bootId !== bootId())
    throw new UserError(`the state folder of ${name} does not name its cgroups, so nothing enters it`, {
      hint: `start it again; to end it: crt rm -f ${shellWord(name)}`,
      check: 'leftovers',
    });
  for (const { path, inode } of cgroups.directories) {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) continue;
    throw new UserError(`${path} is not the cgroup of ${name} any more, so nothing enters it`, { hint: 'crt ps' });
  }
  return cgroups.directories.map(({ path }) => toHostPath(path));
}

/** The container's config with the command for its process: what is not said is as for PID 1. */
function forCommand(config: Config, options: ExecOptions): Config {
  const { tty = false, command, cwd } = options;
  const { consoleSize: _, ...own } = config.process;
  const next: Process = {
    ...own,
    terminal: tty !== false,
    ...(typeof tty === 'object' ? { consoleSize: { height: tty.rows, width: tty.columns } } : {}),
    args: [...command],
    env: mergeVariables(config, options),
    cwd: cwd ?? own.cwd,
    user: chooseUser(config, options.user),
  };
  return { ...config, process: next };
}

/** In a map: an object would lose a variable called `__proto__`. */
function mergeVariables({ process: { env } }: Config, options: ExecOptions): string[] {
  const split = (entry: string): [string, string] => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  };
  const variables = new Map([
    ...(options.tty ? [['TERM', 'xterm'] as const] : []),
    ...env.map(split),
    ...Object.entries(options.env ?? {}),
  ]);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function chooseUser(config: Config, text: string | undefined): Process['user'] {
  if (text === undefined) return config.process.user;
  const { uid = 0, gid = 0 } = checkUser(text);
  const beyond = hasUserNamespace(config) ? [uid, gid].find((id) => id >= IDS) : undefined;
  if (beyond !== undefined)
    throw new UserError(`user: ${beyond} is none of the ids of the container's user namespace, 0 to ${IDS - 1}`, {
      hint: 'take a smaller id',
    });
  return { ...config.process.user, uid, gid, username: text };
}
