import { isUtf8 } from 'node:buffer';
import { totalmem } from 'node:os';
import { isatty } from 'node:tty';
import {
  mergeEnv,
  parseCapabilities,
  parseCpus,
  parseDevice,
  parseDuration,
  parseEnv,
  parseEnvFile,
  parseGroup,
  parseMemory,
  parseMemorySwap,
  parseMount,
  parseSecurityOpts,
  parseSize,
  parseTmpfs,
  parseUlimit,
  parseVolume,
  parseWhole,
  printable,
  type RunOptions,
  readNamedFile,
  UserError,
} from '../index.js';
import type { FlagValues } from './flag-values.js';
import { refuseOtherValues } from './not-text.js';
import type { RunFlagName } from './run-flags.js';

type Values = FlagValues<RunFlagName>;

/**
 * What was typed, as the library takes it: every text read, relative paths made absolute, the terminal looked at.
 * @throws UserError naming the flag
 */
export function toRunOptions(name: string, command: readonly string[], values: Values): RunOptions {
  return {
    name,
    command: command.length > 0 ? command : undefined,
    ...processOptions(values),
    ...limitOptions(values),
    ...fileOptions(values),
    ...securityOptions(values),
    ...streamOptions(values),
  };
}

/** The caller's own streams; a terminal where those are one. */
export function streamOptions(
  values: Pick<FlagValues<'interactive' | 'tty'>, 'toggle'>,
): Pick<RunOptions, 'input' | 'stdout' | 'stderr' | 'tty'> {
  const input = values.toggle('interactive') === false ? undefined : 'inherit';
  const tty = values.toggle('tty') ?? (input === 'inherit' && isatty(0) && isatty(1));
  return { input, stdout: 'inherit', stderr: 'inherit', tty };
}

/** What the flags and files set, the flags last. @throws UserError */
export function variables(values: Pick<FlagValues<'env' | 'env-file'>, 'all'>): Record<string, string> {
  const files = values.all('env-file').flatMap((path) => parseEnvFile(readText(path), path, process.env));
  const flags = values.all('env').map((text) => parseEnv(text, process.env));
  const env = mergeEnv([...files, ...flags]);
  refuseOtherValues(env);
  return env;
}

function processOptions(values: Values): Partial<RunOptions> {
  return {
    env: variables(values),
    cwd: values.text('workdir'),
    user: values.text('user'),
    hostname: values.text('hostname'),
    init: values.toggle('init'),
  };
}

/** Limits alone: `crt update` takes some of them. @throws UserError naming the flag */
export function limitOptions(values: Values): Partial<RunOptions> {
  const machine = totalmem();
  return {
    memory: parsed(values, 'memory', (text) => parseMemory(text, machine)),
    memorySwap: parsed(values, 'memory-swap', (text) => parseMemorySwap(text, machine)),
    cpus: parsed(values, 'cpus', parseCpus),
    cpuShares: parsed(values, 'cpu-shares', (text) => parseWhole('cpu-shares', text)),
    cpusetCpus: values.text('cpuset-cpus'),
    pidsLimit: parsed(values, 'pids-limit', (text) => parseWhole('pids-limit', text)),
    ulimits: Object.fromEntries(
      values
        .all('ulimit')
        .map(parseUlimit)
        .map(({ name, soft, hard }) => [name, [soft, hard]]),
    ),
    timeout: parsed(values, 'timeout', (text) => parseDuration(text)),
  };
}

function fileOptions(values: Values): Partial<RunOptions> {
  const cwd = values.all('volume').length + values.all('mount').length > 0 ? currentFolder() : '/';
  return {
    rootfs: values.text('rootfs'),
    mounts: [
      ...values.all('volume').map((text) => parseVolume(text, cwd)),
      ...values.all('mount').map((text) => parseMount(text, cwd)),
      ...values.all('tmpfs').map(parseTmpfs),
    ],
    readOnly: values.toggle('read-only'),
    writableRootfs: values.toggle('writable-rootfs'),
    storageSize: parsed(values, 'storage-size', (text) => parseSize(text, '--storage-size')),
    keep: keepOption(values),
  };
}

function securityOptions(values: Values): Partial<RunOptions> {
  const opts = values.all('security-opt');
  return {
    capAdd: each(values, 'cap-add', (text) => parseCapabilities('--cap-add', text)),
    capDrop: each(values, 'cap-drop', (text) => parseCapabilities('--cap-drop', text)),
    securityOpt: parseSecurityOpts(opts, opts.some((text) => text.startsWith('seccomp')) ? currentFolder() : '/'),
    devices: each(values, 'device', parseDevice),
    privileged: values.toggle('privileged'),
    network: networkOption(values),
    userns: values.text('userns') as RunOptions['userns'],
    groupAdd: each(values, 'group-add', parseGroup),
  };
}

/** `--net` is docker's older name. Values that there are not yet have been refused (not-built.ts), others are by the library. */
function networkOption(values: Values): RunOptions['network'] {
  const given = [...new Set([...values.all('network').slice(-1), ...values.all('net').slice(-1)])];
  if (given.length > 1) throw new UserError('--network and --net contradict each other', { hint: 'they are the same: leave one out' });
  return given[0] as RunOptions['network'];
}

/** What all of a flag's values say, one list; undefined without any. */
function each<T>(values: Values, name: RunFlagName, parse: (text: string) => T | T[]): T[] | undefined {
  return values.has(name) ? values.all(name).flatMap((text) => parse(text)) : undefined;
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new UserError('the folder that you are in is gone, so a path cannot be taken from there', { hint: 'cd somewhere else', cause });
  }
}

/** `--rm` is the default; `--rm=false` is what docker means without it. */
function keepOption(values: Values): boolean {
  const [keep, rm] = [values.toggle('keep'), values.toggle('rm')];
  if (keep && rm) throw new UserError('--keep and --rm contradict each other', { hint: 'without either nothing is kept' });
  return keep ?? rm === false;
}

function parsed<T>(values: Values, name: RunFlagName, parse: (text: string) => T): T | undefined {
  const text = values.text(name);
  return text === undefined ? undefined : parse(text);
}

function readText(path: string): string {
  const hint = 'a file with one NAME=VALUE a line';
  const bytes = readNamedFile(path, '--env-file', hint);
  if (!isUtf8(bytes)) throw new UserError(`--env-file ${printable(path)} is not UTF-8`, { hint });
  return bytes.toString('utf8');
}
