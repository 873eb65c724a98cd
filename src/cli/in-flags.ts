import { type DetachOptions, type RunOptions, shellWord, UserError } from '../index.js';
import type { FlagValues } from './flag-values.js';
import { RUN_FLAGS, type RunFlagName } from './run-flags.js';

/** What only a program can give. */
type ProgramsOwn = 'name' | 'stdin' | 'rm' | 'input' | 'stdout' | 'stderr' | 'maxBuffer' | 'signal' | `on${string}`;

/** The flags that give each option, a list's in the order in which it takes their values (run-options.ts); the command has none. */
export const OPTION_FLAGS: Readonly<Record<Exclude<keyof RunOptions | keyof DetachOptions, ProgramsOwn>, readonly RunFlagName[]>> = {
  rootfs: ['rootfs'],
  command: [],
  env: ['env'],
  cwd: ['workdir'],
  user: ['user'],
  hostname: ['hostname'],
  memory: ['memory'],
  memorySwap: ['memory-swap'],
  cpus: ['cpus'],
  cpuShares: ['cpu-shares'],
  cpusetCpus: ['cpuset-cpus'],
  pidsLimit: ['pids-limit'],
  ulimits: ['ulimit'],
  timeout: ['timeout'],
  mounts: ['volume', 'mount', 'tmpfs'],
  capAdd: ['cap-add'],
  capDrop: ['cap-drop'],
  securityOpt: ['security-opt'],
  devices: ['device'],
  privileged: ['privileged'],
  network: ['network', 'net'],
  userns: ['userns'],
  groupAdd: ['group-add'],
  readOnly: ['read-only'],
  init: ['init'],
  writableRootfs: ['writable-rootfs'],
  storageSize: ['storage-size'],
  keep: ['keep'],
  tty: ['tty'],
  restart: ['restart'],
  log: ['log-opt'],
};

/** The path of an option: `cwd`, `mounts[1].target`, `ulimits.nofile`. */
const PATH = String.raw`([a-z][A-Za-z]*)(?:\[(\d+)\]|\.(\w+))?(?:\[\d+\]|\.\w+)*`;
const BEGINNING = new RegExp(`^${PATH}(?=:| must be )`);
/** Quoted text, which is let be, or a path. */
const FURTHER = new RegExp(`"(?:\\\\.|[^"\\\\])*"|(?<![\\w/.-])${PATH}`, 'g');
/** Characters of a typed word that are repeated. */
const LONGEST_WORD = 80;

type Field = keyof typeof OPTION_FLAGS;
const isField = (word = ''): word is Field => Object.hasOwn(OPTION_FLAGS, word);

/** A message of the library's that begins with an option's path, as the command line says it: by the flag and the word that were typed. */
export function inFlags(error: unknown, values: Pick<FlagValues<RunFlagName>, 'all'>): unknown {
  if (!(error instanceof UserError)) return error;
  const { message, hint, exitCode } = error;
  const [path = '', field, index, key] = BEGINNING.exec(message) ?? [];
  if (!isField(field)) return error;
  const rest = message.slice(path.length);
  const others = rest.replace(FURTHER, (whole: string, other?: string, at?: string, inside?: string) =>
    // Without an index and in small letters it is a word like any other.
    isField(other) && (at !== undefined || /[A-Z]/.test(other)) ? spell({ field: other, index: at, key: inside }, values) : whole,
  );
  const text = spell({ field, index, key }, values, rest) + others;
  return new UserError(text, { ...(hint === undefined ? {} : { hint }), exitCode, cause: error });
}

/** Keys that have another name there. */
const KEYS: Readonly<Record<string, string>> = { maxSize: 'max-size', maxFiles: 'max-file' };

interface Path {
  readonly field: Field;
  readonly index: string | undefined;
  readonly key: string | undefined;
}

/** `--device /dev/x` for `devices[0]`, `--ulimit nofile` for `ulimits.nofile`, `--cpus 1e3` for `cpus` unless the rest of the message says it. */
function spell({ field, index, key }: Path, values: Pick<FlagValues<RunFlagName>, 'all'>, rest?: string): string {
  const typed = OPTION_FLAGS[field].flatMap((flag) => values.all(flag).map((word) => ({ flag, word })));
  const { flag = OPTION_FLAGS[field][0], word } = typed.at(Number(index ?? -1)) ?? {};
  if (flag === undefined) return 'COMMAND';
  if (key !== undefined) return `--${flag} ${KEYS[key] ?? key}`;
  const isClear = rest === undefined || typed.length > 1 || RUN_FLAGS[flag].type === 'boolean' || rest.includes(word ?? '');
  if (word === undefined || (index === undefined && isClear)) return `--${flag}`;
  return `--${flag} ${shellWord(word.slice(0, LONGEST_WORD))}${word.length > LONGEST_WORD ? '…' : ''}`;
}
