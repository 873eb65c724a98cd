import { UserError } from '../errors.js';
import { errnoOf } from './errno.js';
import { parseExactJson } from './json.js';
import { show } from './quote.js';
import { list, optional, type Reader, record, required, text, wrong } from './schema.js';
import type { Seccomp, SeccompAction, SeccompArg, SeccompFlag, SeccompRule } from './types.js';
import { action, architecture, argument, callName, callNames, checkDefault, checkErrno, errnoNumber, flag } from './validate-seccomp.js';

/** What a profile is resolved for. */
export interface ProfileTarget {
  /** process.arch: `x64`, `arm64`. */
  readonly arch: string;
  readonly kernel: { readonly major: number; readonly minor: number };
  /** The container's bounding set: `CAP_CHOWN` … */
  readonly capabilities: readonly string[];
}

interface Condition {
  caps?: string[];
  arches?: string[];
  minKernel?: readonly [major: number, minor: number];
}

interface Rule {
  name?: string;
  names?: string[];
  action: SeccompAction;
  errnoRet?: number;
  errno?: number;
  args?: SeccompArg[];
  comment?: string;
  includes?: Condition;
  excludes?: Condition;
}

interface ArchEntry {
  architecture: string;
  subArchitectures?: string[];
}

interface Profile {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  defaultErrno?: number;
  architectures?: string[];
  archMap?: ArchEntry[];
  flags?: SeccompFlag[];
  syscalls?: Rule[];
}

/** How Go, and so these profiles' `arches`, and the specification call a processor. */
const ARCHITECTURES: Readonly<Record<string, { readonly go: string; readonly oci: string }>> = {
  x64: { go: 'amd64', oci: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', oci: 'SCMP_ARCH_AARCH64' },
};

const version: Reader<readonly [number, number]> = (value, path) => {
  const [, major, minor] = typeof value === 'string' ? (/^(\d{1,4})\.(\d{1,4})$/.exec(value) ?? []) : [];
  if (major === undefined || minor === undefined) throw wrong(path, value, 'a kernel version such as "4.8"');
  return [Number(major), Number(minor)];
};

const errnoName: Reader<number | undefined> = (value, path) => {
  const name = text(value, path);
  if (name === '') return undefined;
  const number = errnoOf(name);
  if (number === undefined) throw wrong(path, value, 'the name of an errno such as "EPERM"');
  return number;
};

/** Published profiles are written by Go, whose empty lists and numbers are null. */
function nullable<T extends object>(read: Reader<T>): Reader<T> {
  return (value, path) => read(isObject(value) ? withoutNulls(value) : value, path);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const withoutNulls = (value: object): object => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));

const condition = nullable(record<Condition>({ caps: optional(list(text)), arches: optional(list(text)), minKernel: optional(version) }));

const rule = nullable(
  record<Rule>({
    name: optional(callName),
    names: optional(list(callName)),
    action: required(action),
    errnoRet: optional(errnoNumber),
    errno: optional(errnoName as Reader<number>),
    args: optional(list(nullable(argument))),
    comment: optional(text),
    includes: optional(condition),
    excludes: optional(condition),
  }),
);

const archEntry = nullable(record<ArchEntry>({ architecture: required(architecture), subArchitectures: optional(list(architecture)) }));

const profile = nullable(
  record<Profile>(
    {
      defaultAction: required(action),
      defaultErrnoRet: optional(errnoNumber),
      defaultErrno: optional(errnoName as Reader<number>),
      architectures: optional(list(architecture)),
      archMap: optional(list(archEntry)),
      flags: optional(list(flag)),
      syscalls: optional(list(rule)),
    },
    { listenerPath: 'agents that answer system calls', listenerMetadata: 'agents that answer system calls' },
  ),
);

/**
 * A profile as a user has it in a file: `linux.seccomp` of the OCI specification, or the form that docker and podman
 * publish (`archMap`, `includes`, `excludes`, `name`, `errno`), resolved for one container: all of `includes.caps` must be
 * there and none of `excludes.caps`, and the same for architectures and kernels.
 * @param content the JSON text
 * @param file its name, for messages, and whose it is
 * @throws UserError that names the field: `profile.json: syscalls[3].action must be …`
 */
export function readSeccompProfile(content: string, file: string, target: ProfileTarget): Seccomp {
  try {
    return resolve(profile(parse(content), ''), target);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error });
  }
}

function parse(content: string): unknown {
  let json: unknown;
  try {
    json = parseExactJson(content);
  } catch (error) {
    throw new UserError('this is not JSON', {
      hint: error instanceof SyntaxError ? error.message : 'see the example in docs',
      cause: error,
    });
  }
  if (!isObject(json))
    throw new UserError(`a seccomp profile is an object, not ${show(json)}`, { hint: '{"defaultAction": …, "syscalls": […]}' });
  return json;
}

function resolve(given: Profile, target: ProfileTarget): Seccomp {
  const errno = given.defaultErrnoRet ?? given.defaultErrno;
  checkErrno(errno, given.defaultAction, 'defaultErrnoRet');
  checkDefault(given.defaultAction, 'defaultAction');
  const architectures = chooseArchitectures(given, target);
  return {
    defaultAction: given.defaultAction,
    ...(errno === undefined ? {} : { defaultErrnoRet: errno }),
    ...(architectures === undefined ? {} : { architectures }),
    ...(given.flags === undefined ? {} : { flags: given.flags }),
    syscalls: (given.syscalls ?? []).flatMap((item, at) => resolveRule(item, `syscalls[${at}]`, target)),
  };
}

function chooseArchitectures({ architectures, archMap }: Profile, target: ProfileTarget): string[] | undefined {
  if (archMap === undefined || archMap.length === 0) return architectures;
  if (architectures !== undefined && architectures.length > 0)
    throw new UserError('archMap: architectures is there too', { hint: 'leave one of them out' });
  const entry = archMap.find((item) => item.architecture === ARCHITECTURES[target.arch]?.oci);
  return entry === undefined ? [] : [entry.architecture, ...(entry.subArchitectures ?? [])];
}

function resolveRule(given: Rule, path: string, target: ProfileTarget): SeccompRule[] {
  if (given.name !== undefined && (given.names ?? []).length > 0)
    throw new UserError(`${path}.name: names is there too`, { hint: 'leave one of them out' });
  const names = callNames(given.name === undefined ? (given.names ?? []) : [given.name], `${path}.names`);
  const errno = given.errnoRet ?? given.errno;
  checkErrno(errno, given.action, `${path}.errnoRet`);
  if (!isIncluded(given.includes ?? {}, target) || isExcluded(given.excludes ?? {}, target)) return [];
  return [
    {
      names,
      action: given.action,
      ...(errno === undefined ? {} : { errnoRet: errno }),
      ...(given.args === undefined || given.args.length === 0 ? {} : { args: given.args }),
    },
  ];
}

function isIncluded({ caps = [], arches = [], minKernel }: Condition, target: ProfileTarget): boolean {
  if (!caps.every((name) => target.capabilities.includes(name))) return false;
  if (arches.length > 0 && !arches.includes(goName(target))) return false;
  return minKernel === undefined || isAtLeast(target.kernel, minKernel);
}

function isExcluded({ caps = [], arches = [], minKernel }: Condition, target: ProfileTarget): boolean {
  if (caps.some((name) => target.capabilities.includes(name)) || arches.includes(goName(target))) return true;
  return minKernel !== undefined && isAtLeast(target.kernel, minKernel);
}

function goName({ arch }: ProfileTarget): string {
  return ARCHITECTURES[arch]?.go ?? arch;
}

function isAtLeast(kernel: ProfileTarget['kernel'], [major, minor]: readonly [number, number]): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}
