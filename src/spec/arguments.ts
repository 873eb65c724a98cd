import { UserError } from '../errors.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';

/** What the splitter needs to know of a flag: an `option` takes a value, a `boolean` only one that stands after `=`. */
export interface FlagKind {
  readonly type: 'option' | 'boolean';
  /** The short form, without its dash. */
  readonly char?: string;
  /** `--no-NAME` is taken too. */
  readonly allowNo?: boolean;
}
/** Flags by their long names, without dashes. */
export type FlagTable = Readonly<Record<string, FlagKind>>;

/** The argv of `crt run` or `crt exec`, cut in three. */
export interface RunArguments {
  /** The first bare word; undefined when there is none. Not checked yet. */
  readonly name: string | undefined;
  /** crt's flags in order, each one word: `--memory=50`, `--tty`, `--no-tty`, `--interactive=false`. */
  readonly flags: string[];
  /** The command and its arguments, untouched; empty = the default command. */
  readonly command: string[];
}

/**
 * Splits `NAME [flags] [--] [COMMAND…]`; flags may come before NAME too, and `-- NAME COMMAND…` is read as docker does.
 * Flags are crt's until `--` or the second bare word; from there every word is the command's. Short flags combine
 * (`-it`, `-itm 50`, `-m50`, `-m=50`, `-i=false`, `-eA=1`), as in pflag, docker's parser.
 * @throws UserError for a flag that is not in the table, or lacks its value.
 */
export function splitRun(argv: readonly string[], table: FlagTable, verb: 'run' | 'exec' = 'run'): RunArguments {
  const flags: string[] = [];
  let name: string | undefined;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      const rest = argv.slice(at + 1);
      return name === undefined ? { name: rest[0], flags, command: rest.slice(1) } : { name, flags, command: rest };
    }
    if (word === '-' || !word.startsWith('-')) {
      if (name !== undefined) return { name, flags, command: argv.slice(at) };
      name = word;
      continue;
    }
    const read = word.startsWith('--') ? readLong(word, { table, verb, name }) : readShort(word, { table, verb, name });
    flags.push(...read.done);
    if (read.waiting === undefined) continue;
    flags.push(`--${read.waiting}=${nextValue(read.waiting, word, argv[at + 1], verb)}`);
    at += 1;
  }
  return { name, flags, command: [] };
}

/** What is known of the line where a flag is met. */
interface Line {
  readonly table: FlagTable;
  readonly verb: string;
  readonly name: string | undefined;
}

/** Flags read from one word; `waiting` is the last one when its value must be the next word. */
interface Read {
  readonly done: readonly string[];
  readonly waiting?: string;
}

function readLong(word: string, line: Line): Read {
  const { table } = line;
  const equals = word.indexOf('=');
  const flag = word.slice(2, equals === -1 ? undefined : equals);
  const kind = kindOf(flag, table);
  if (kind !== undefined) return kind.type === 'boolean' || equals !== -1 ? { done: [word] } : { done: [], waiting: flag };
  const positive = flag.startsWith('no-') ? kindOf(flag.slice(3), table) : undefined;
  if (positive?.allowNo && equals === -1) return { done: [word] };
  throw unknownFlag(`--${flag}`, flag, word, line);
}

function readShort(word: string, line: Line): Read {
  const { table } = line;
  const done: string[] = [];
  const letters = [...word.slice(1)];
  for (const [at, letter] of letters.entries()) {
    const flag = Object.keys(table).find((candidate) => kindOf(candidate, table)?.char === letter);
    if (flag === undefined) throw unknownFlag(`-${letter}`, letters.length > 1 ? word.slice(1) : '', word, line);
    const rest = letters.slice(at + 1).join('');
    if (rest.startsWith('=')) return { done: [...done, `--${flag}${rest}`] };
    if (kindOf(flag, table)?.type === 'boolean') done.push(`--${flag}`);
    else return rest === '' ? { done, waiting: flag } : { done: [...done, `--${flag}=${rest}`] };
  }
  return { done };
}

/** Own properties only: `--constructor` is no flag. */
function kindOf(flag: string, table: FlagTable): FlagKind | undefined {
  return Object.hasOwn(table, flag) ? table[flag] : undefined;
}

/** A value may begin with a dash (`--memory-swap -1`), as with docker; only `--` itself is more likely a forgotten value. */
function nextValue(flag: string, word: string, next: string | undefined, verb: string): string {
  if (next !== undefined && next !== '--') return next;
  throw new UserError(`${quote(word).slice(1, -1)} needs a value`, { hint: `write --${flag}=VALUE; crt ${verb} --help says which` });
}

/** Flags of docker's run that crt does not have, and what there is in their place. */
const INSTEAD: Readonly<Record<string, string>> = {
  '--name': 'the name is the first word: crt run NAME',
  '-p': 'no ports are published: --network host shares the network of this machine',
  '--publish': 'no ports are published: --network host shares the network of this machine',
  '-P': 'no ports are published: --network host shares the network of this machine',
  '--restart': 'no daemon would start it again: that is for a service manager, for example systemd',
  '--shm-size': '--tmpfs /dev/shm:size=64m',
  '--add-host': 'mount a file of your own: -v ./hosts:/etc/hosts',
  '--dns': 'mount a file of your own: -v ./resolv.conf:/etc/resolv.conf',
};

function unknownFlag(shown: string, meant: string, word: string, { table, verb, name }: Line): UserError {
  const names = Object.keys(table);
  const no = names.filter((flag) => kindOf(flag, table)?.allowNo).map((flag) => `no-${flag}`);
  const guess = nearest(meant, [...names, ...no]);
  const suggestion = guess === undefined ? '' : `did you mean --${guess}? `;
  const box = name !== undefined && /^[\w.-]{1,63}$/.test(name) ? name : 'NAME';
  const instead = verb === 'run' && Object.hasOwn(INSTEAD, shown) ? INSTEAD[shown] : undefined;
  if (instead !== undefined) return new UserError(`crt run has no flag ${shown}`, { hint: instead });
  const hint = `${suggestion}A flag of your command comes after --: crt ${verb} ${box} -- COMMAND ${quote(word).slice(1, -1)}`;
  return new UserError(`crt ${verb} has no flag ${quote(shown).slice(1, -1)}`, { hint });
}
