import { UserError } from '../errors.js';
import { CAPABILITIES, capabilityNumber } from './capabilities.js';
import { checkContext, checkProfileName } from './lsm.js';
import { checkAbsolute } from './mount-target.js';
import { nearest } from './nearest.js';
import { quote, show } from './quote.js';
import { RLIM_INFINITY, RLIMITS } from './rlimits.js';
import { exact, list, optional, type Reader, record, required, text, toggle, whole, wrong } from './schema.js';
import type { Capabilities, Process, Rlimit, User } from './types.js';
import { checkUser, LAST_ID } from './user.js';

const variable: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (given.indexOf('=') < 1) throw wrong(path, value, 'NAME=VALUE');
  return given;
};

const args: Reader<string[]> = (value, path) => {
  const words = list(text)(value, path);
  if (words[0] === '') throw new UserError(`${path}[0]: the command is empty text`, { hint: 'leave all of them out for a shell' });
  return words;
};

const id = whole(0, LAST_ID, 'an id');

const user = record<User>({
  uid: required(id),
  gid: required(id),
  umask: optional(whole(0, 0o777, 'a umask')),
  additionalGids: optional(list(id)),
  username: optional((value, path) => checkUser(text(value, path), path).text),
});

const capability: Reader<string> = (value, path) => {
  if (typeof value === 'string' && capabilityNumber(value) !== undefined) return value;
  const guess = typeof value === 'string' ? nearest(value, CAPABILITIES) : undefined;
  throw new UserError(`${path}: ${show(value)} is not a capability`, {
    hint: guess ? `did you mean ${guess}?` : 'the names: man 7 capabilities',
  });
};

const sets = record<Capabilities>({
  bounding: optional(list(capability)),
  effective: optional(list(capability)),
  inheritable: optional(list(capability)),
  permitted: optional(list(capability)),
  ambient: optional(list(capability)),
});

/** capabilities(7): no capability is ambient that is not both permitted and inheritable; none effective that is not permitted. */
const capabilities: Reader<Capabilities> = (value, path) => {
  const checked = sets(value, path);
  const rules = [
    ['ambient', 'permitted'],
    ['ambient', 'inheritable'],
    ['effective', 'permitted'],
  ] as const;
  for (const [small, large] of rules) {
    const extra = checked[small]?.find((name) => !checked[large]?.includes(name));
    if (extra !== undefined)
      throw new UserError(`${path}.${small}: ${extra} is not in ${path}.${large}`, { hint: 'add it there, or leave it out here' });
  }
  return checked;
};

const amount = exact(0n, RLIM_INFINITY);

const rlimit: Reader<Rlimit> = (value, path) => {
  const checked = record<Rlimit>({ type: required(text), soft: required(amount), hard: required(amount) })(value, path);
  if (!RLIMITS.has(checked.type)) {
    const guess = nearest(checked.type, [...RLIMITS.keys()]);
    throw new UserError(`${path}.type: ${quote(checked.type)} is not a limit`, {
      hint: guess ? `did you mean ${guess}?` : 'the names: man 2 getrlimit',
    });
  }
  if (checked.soft > checked.hard)
    throw new UserError(`${path}.soft: ${checked.soft} is above the hard limit ${checked.hard}`, { hint: 'lower it, or raise hard' });
  return checked;
};

const rlimits: Reader<Rlimit[]> = (value, path) => {
  const limits = list(rlimit)(value, path);
  for (const [at, { type }] of limits.entries()) {
    const first = limits.findIndex((limit) => limit.type === type);
    if (first < at) throw new UserError(`${path}[${at}].type: ${type} is in ${path}[${first}] already`, { hint: 'leave one of them out' });
  }
  return limits;
};

const side = whole(0, 65_535);

const unlessEmpty =
  (read: Reader<string>): Reader<string> =>
  (value, path) =>
    value === '' ? '' : read(value, path);

const fields = record<Process>(
  {
    terminal: optional(toggle),
    consoleSize: optional(record<{ height: number; width: number }>({ height: required(side), width: required(side) })),
    cwd: required(checkAbsolute),
    env: required(list(variable)),
    args: required(args),
    user: required(user),
    rlimits: optional(rlimits),
    capabilities: optional(capabilities),
    noNewPrivileges: optional(toggle),
    oomScoreAdj: optional(whole(-1000, 1000)),
    apparmorProfile: optional(unlessEmpty(checkProfileName)),
    selinuxLabel: optional(unlessEmpty(checkContext)),
  },
  {
    scheduler: 'scheduling policies',
    ioPriority: 'I/O priorities',
    execCPUAffinity: 'CPU affinity of an exec',
    commandLine: 'Windows containers',
  },
);

/** `process` of config.md. */
export const PROCESS: Reader<Process> = (value, path) => {
  const { apparmorProfile, selinuxLabel, ...checked } = fields(value, path);
  return { ...checked, ...(apparmorProfile ? { apparmorProfile } : {}), ...(selinuxLabel ? { selinuxLabel } : {}) };
};
