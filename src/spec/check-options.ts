import { UserError } from '../errors.js';
import type { MountOption, RunOptions } from '../options.js';
import { checkCapability, checkCapabilityFlags } from './cap-flags.js';
import { checkCpus, checkCpuset } from './cpus.js';
import { IDS } from './defaults.js';
import { DEVICE_OPTION } from './device-flag.js';
import { LONGEST_TIMEOUT } from './duration.js';
import { checkAbsolute } from './mount-target.js';
import { checkHostname, checkName } from './name.js';
import { quote } from './quote.js';
import { dictionary, type Fields, list, oneOf, optional, type Reader, record, required, text, toggle, whole, wrong } from './schema.js';
import { SECURITY_OPT } from './security-opt.js';
import { formatBytes, SMALLEST_MEMORY } from './size.js';
import { checkUlimit } from './ulimit.js';
import { checkUser, LAST_ID } from './user.js';
import { isWhole, WHOLE } from './whole.js';

const MOST = Number.MAX_SAFE_INTEGER;
/** Below this a layer takes not even the folders that crt makes in it. */
const SMALLEST_LAYER = 1024 ** 2;

const bytes: Reader<number> = (value, path) => {
  if (typeof value !== 'number')
    throw wrong(path, value, `bytes, a whole number from ${SMALLEST_MEMORY} (${formatBytes(SMALLEST_MEMORY)})`);
  const number = whole(-1, MOST, 'bytes, a whole number')(value, path);
  if (number >= SMALLEST_MEMORY) return number;
  const hint = 'the library counts bytes: 50 MiB is 50 * 1024 ** 2';
  throw new UserError(`${path}: ${number < 0 ? number : formatBytes(number)} is too little for a container to start, which takes 6 MiB`, {
    hint,
  });
};

/** A number in the range of the flag of the same meaning. */
const ranged =
  (flag: keyof typeof WHOLE): Reader<number> =>
  (value, path) => {
    if (typeof value === 'number' && isWhole(flag, value)) return value;
    const { least, most, unlimited } = WHOLE[flag];
    throw wrong(path, value, `a whole number from ${least} to ${most}${unlimited ? ', or -1 for unlimited' : ''}`);
  };

const cpus: Reader<number> = (value, path) => {
  if (typeof value !== 'number') throw wrong(path, value, 'a number');
  return checkCpus(value);
};

/** `[soft, hard]`, checked with its name afterwards. */
const ulimit: Reader<readonly [number, number]> = (value, path) => {
  const [soft, hard, ...more] = list(whole(-1, MOST))(value, path);
  if (soft === undefined || hard === undefined || more.length > 0) throw wrong(path, value, '[soft, hard]');
  return [soft, hard];
};

const ulimits: Reader<Record<string, readonly [number, number]>> = (value, path) => {
  const limits = dictionary(ulimit)(value, path);
  for (const [name, [soft, hard]] of Object.entries(limits)) checkUlimit(name, soft, hard);
  return limits;
};

const env: Reader<Record<string, string>> = (value, path) => {
  const variables = dictionary(text)(value, path);
  for (const name of Object.keys(variables)) {
    if (name !== '' && !/[=\0]/.test(name)) continue;
    throw new UserError(`${path}: ${quote(name)} is not the name of a variable`, {
      hint: 'a name is not empty and holds no "=" and no NUL',
    });
  }
  return variables;
};

export const command: Reader<string[]> = (value, path) => {
  const words = list(text)(value, path);
  if (words[0] === '') throw new UserError(`${path}[0]: the command is empty text`, { hint: 'leave the command out for a shell' });
  return words;
};

const size = record<{ rows: number; columns: number }>({ rows: required(whole(1, 65_535)), columns: required(whole(1, 65_535)) });
const tty: Reader<boolean | { rows: number; columns: number }> = (value, path) => (typeof value === 'boolean' ? value : size(value, path));

const someText: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (given === '') throw wrong(path, value, 'a path or `host`');
  return given;
};

/** A value of the embedder's own, told by what it can do: it may come from another realm. */
function capable<T>(wanted: string, ...methods: readonly string[]): Reader<T> {
  return (value, path) => {
    const able = typeof value === 'object' && value !== null && methods.every((method) => typeof Reflect.get(value, method) === 'function');
    if (!able) throw wrong(path, value, wanted);
    return value as T;
  };
}

const input: Reader<NonNullable<RunOptions['input']>> = (value, path) => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  return capable<NodeJS.ReadableStream>("text, bytes, a readable stream or 'inherit'", 'pipe', 'on')(value, path);
};

export function callback<T>(): Reader<T> {
  return (value, path) => {
    if (typeof value !== 'function') throw wrong(path, value, 'a function');
    return value as T;
  };
}

/** The fields of RunOptions.mounts; what they mean together is for mounts.ts. */
export const MOUNT_OPTION: Reader<MountOption> = record<MountOption>({
  type: optional(oneOf('bind', 'tmpfs')),
  source: optional(text),
  target: required(text),
  readonly: optional(toggle),
  size: optional(whole(1, MOST, 'bytes, a whole number')),
  mode: optional(whole(0, 0o7777, 'permission bits (0o1777)')),
});

/** What a command is given, in a new container or in one that runs. */
export const COMMAND_FIELDS = {
  env: optional(env),
  cwd: optional(checkAbsolute),
  user: optional((value, path) => checkUser(text(value, path)).text),
  timeout: optional(whole(1, LONGEST_TIMEOUT, 'milliseconds, a whole number')),
  tty: optional(tty),
  input: optional(input),
  stdout: optional(oneOf('pipe', 'inherit', 'ignore')),
  stderr: optional(oneOf('pipe', 'inherit', 'ignore')),
  maxBuffer: optional(whole(0, MOST, 'bytes, a whole number')),
  signal: optional(capable<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener')),
} satisfies Partial<Fields<RunOptions>>;

const FIELDS: Fields<RunOptions> = {
  ...COMMAND_FIELDS,
  name: required(checkName),
  rootfs: optional(someText),
  command: optional(command),
  hostname: optional(checkHostname),
  memory: optional(bytes),
  memorySwap: optional((value, path) => (value === -1 ? -1 : bytes(value, path))),
  cpus: optional(cpus),
  cpuShares: optional(ranged('cpu-shares')),
  cpusetCpus: optional((value, path) => checkCpuset(text(value, path))),
  pidsLimit: optional(ranged('pids-limit')),
  ulimits: optional(ulimits),
  mounts: optional(list(MOUNT_OPTION)),
  capAdd: optional(list(checkCapability)),
  capDrop: optional(list(checkCapability)),
  securityOpt: optional(SECURITY_OPT),
  devices: optional(list(DEVICE_OPTION)),
  privileged: optional(toggle),
  network: optional(oneOf('none', 'host')),
  userns: optional(oneOf('auto', 'host')),
  groupAdd: optional(list(whole(0, LAST_ID, 'a group number'))),
  readOnly: optional(toggle),
  init: optional(toggle),
  writableRootfs: optional(toggle),
  storageSize: optional(whole(SMALLEST_LAYER, MOST, 'bytes, a whole number')),
  keep: optional(toggle),
  onPlan: optional(callback()),
  onSteps: optional(callback()),
  onStart: optional(callback()),
  onNotice: optional(callback()),
};
const readOptions = record<RunOptions>(FIELDS);

/**
 * Checks the options of the library's door, whatever their static type says, and answers a copy with own properties only.
 * @throws UserError that begins with the field's name, for a wrong type or range, an unknown field, or options that
 *   contradict each other.
 */
export function checkOptions(options: unknown): RunOptions {
  const checked = readOptions(options, '');
  checkMemorySwap(checked);
  checkCapabilityFlags(checked);
  if (checked.privileged && checked.userns === 'auto')
    throw new UserError('userns: privileged means userns host', { hint: 'leave one of the two out' });
  checkMapped(checked);
  if (checked.writableRootfs) refuseLayerOptions(checked);
  return checked;
}

/** Nobody can become an id that the user namespace does not have (setresuid(2)). */
function checkMapped({ user, groupAdd = [], userns, privileged }: RunOptions): void {
  if (userns === 'host' || privileged) return;
  const { uid = 0, gid = 0 } = user === undefined ? {} : checkUser(user);
  const beyond = [['user', uid], ['user', gid], ...groupAdd.map((id, at) => [`groupAdd[${at}]`, id] as const)] as const;
  for (const [path, id] of beyond) {
    if (id < IDS) continue;
    throw new UserError(`${path}: ${id} is none of the ids of a user namespace, 0 to ${IDS - 1}`, {
      hint: 'take a smaller id, or --userns host',
    });
  }
}

function checkMemorySwap({ memory, memorySwap }: RunOptions): void {
  if (memorySwap === undefined) return;
  if (memory === undefined)
    throw new UserError('memorySwap: there is no memory limit to add swap to', { hint: 'give a memory limit too: --memory 50' });
  if (memorySwap === -1 || memorySwap >= memory) return;
  const hint = 'it counts memory and swap together: leave it out for no swap';
  throw new UserError(`memorySwap: ${formatBytes(memorySwap)} is less than the memory limit, ${formatBytes(memory)}`, { hint });
}

/** Without a layer they would have no meaning, and nothing is ignored. */
function refuseLayerOptions({ keep, storageSize, readOnly }: RunOptions): void {
  const hint = 'leave one of the two out';
  if (keep) throw new UserError('keep: with writableRootfs there is no layer to keep', { hint });
  if (storageSize !== undefined) throw new UserError('storageSize: with writableRootfs there is no layer to limit', { hint });
  if (readOnly) throw new UserError('readOnly: writableRootfs asks for the opposite', { hint });
}
