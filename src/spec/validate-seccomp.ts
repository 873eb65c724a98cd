import { UserError } from '../errors.js';
import { quote } from './quote.js';
import { exact, list, oneOf, optional, type Reader, record, required, text, whole } from './schema.js';
import { SECCOMP_FLAGS } from './seccomp-flags.js';
import type { Seccomp, SeccompAction, SeccompArg, SeccompFlag, SeccompOperator, SeccompRule } from './types.js';

const ACTIONS = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_LOG',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_NOTIFY',
] as const satisfies readonly SeccompAction[];

const OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const satisfies readonly SeccompOperator[];

/** The machine's architectures as config-linux.md lists them, without the prefix SCMP_ARCH_. */
const ARCHITECTURES = (
  'X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 ' +
  'PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 SH SHEB'
)
  .split(' ')
  .map((name) => `SCMP_ARCH_${name}`);

export const architecture: Reader<string> = oneOf(...ARCHITECTURES);
export const flag: Reader<SeccompFlag> = oneOf(...(Object.keys(SECCOMP_FLAGS) as SeccompFlag[]));
/** The kernel returns at most 4095 (MAX_ERRNO). */
export const errnoNumber: Reader<number> = whole(0, 4095, 'an errno');

/** An action of the specification. SCMP_ACT_TRACE would need a tracer around the container. */
export const action: Reader<SeccompAction> = (value, path) => {
  if (value === 'SCMP_ACT_TRACE')
    throw new UserError(`${path}: SCMP_ACT_TRACE needs a tracer, and crt has none`, {
      hint: 'SCMP_ACT_LOG writes the call to the audit log',
    });
  return oneOf(...ACTIONS)(value, path);
};

const operand = exact(0n, 2n ** 64n - 1n);

export const argument: Reader<SeccompArg> = record<SeccompArg>({
  index: required(whole(0, 5, 'the number of an argument')),
  value: required(operand),
  valueTwo: optional(operand),
  op: required(oneOf(...OPERATORS)),
});

/** Names of other kernels and architectures are fine, as in every runtime; what cannot be a name is not. */
export const callName: Reader<string> = (value, path) => {
  const name = text(value, path);
  if (/^[a-z0-9_]{1,64}$/i.test(name)) return name;
  throw new UserError(`${path}: ${quote(name)} is not the name of a system call`, {
    hint: 'for example "openat"; the names: man 2 syscalls',
  });
};

export const callNames: Reader<string[]> = (value, path) => {
  const names = list(callName)(value, path);
  if (names.length > 0) return names;
  throw new UserError(`${path} is empty`, { hint: 'name a system call, for example "openat"' });
};

/** errno belongs to SCMP_ACT_ERRNO alone: "when the action does not support an errno, the runtime MUST … fail" (config-linux.md). */
export function checkErrno(errno: number | undefined, of: SeccompAction, path: string): void {
  if (errno !== undefined && of !== 'SCMP_ACT_ERRNO')
    throw new UserError(`${path}: ${of} has no errno`, { hint: 'leave it out, or use SCMP_ACT_ERRNO' });
}

const ruleFields = record<SeccompRule>({
  names: required(callNames),
  action: required(action),
  errnoRet: optional(errnoNumber),
  args: optional(list(argument)),
});

const rule: Reader<SeccompRule> = (value, path) => {
  const checked = ruleFields(value, path);
  checkErrno(checked.errnoRet, checked.action, `${path}.errnoRet`);
  return checked;
};

/** What the specification has for an agent of its own that answers calls. */
const NOT_YET = { listenerPath: 'agents that answer system calls', listenerMetadata: 'agents that answer system calls' };

const fields = record<Seccomp>(
  {
    defaultAction: required(action),
    defaultErrnoRet: optional(errnoNumber),
    architectures: optional(list(architecture)),
    flags: optional(list(flag)),
    syscalls: optional(list(rule)),
  },
  NOT_YET,
);

/** `linux.seccomp` of config-linux.md. */
export const SECCOMP: Reader<Seccomp> = (value, path) => {
  const checked = fields(value, path);
  checkErrno(checked.defaultErrnoRet, checked.defaultAction, `${path}.defaultErrnoRet`);
  checkDefault(checked.defaultAction, `${path}.defaultAction`);
  return checked;
};

/** With every call sent to the one who answers, its own answer could not be sent. */
export function checkDefault(given: SeccompAction, path: string): void {
  if (given === 'SCMP_ACT_NOTIFY')
    throw new UserError(`${path}: SCMP_ACT_NOTIFY cannot be the default`, { hint: 'name the calls to be answered in syscalls' });
}
