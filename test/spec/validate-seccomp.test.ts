import test from 'ava';
import { UserError } from '../../src/errors.js';
import { SECCOMP } from '../../src/spec/validate-seccomp.js';

const arg = { index: 0, value: 0, op: 'SCMP_CMP_EQ' };
const withRule = (rule: object): object => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', ...rule }],
});
const withArg = (change: object): object => withRule({ args: [arg, { ...arg, ...change }] });

const WRONG: readonly (readonly [given: unknown, field: string])[] = [
  ['x', 'linux.seccomp must be an object'],
  [{}, 'linux.seccomp.defaultAction is missing'],
  [{ defaultAction: 'SCMP_ACT_NOTIFY' }, 'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default'],
  [{ defaultAction: 'SCMP_ACT_TRACE' }, 'linux.seccomp.defaultAction: SCMP_ACT_TRACE needs a tracer'],
  [{ defaultAction: 'SCMP_ACT_KILL', defaultErrnoRet: 1 }, 'linux.seccomp.defaultErrnoRet: SCMP_ACT_KILL has no errno'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/x' }, 'linux.seccomp.listenerPath: crt does not have agents'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' }, 'linux.seccomp.listenerMetadata: crt does not have agents'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', archMap: [] }, 'linux.seccomp.archMap: crt does not know this field'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_Z80'] }, 'linux.seccomp.architectures[0] must be one of'],
  [{ defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_NEW_LISTENER'] }, 'linux.seccomp.flags[0] must be one of'],
  [withRule({ names: [] }), 'linux.seccomp.syscalls[0].names is empty'],
  [withRule({ names: [5] }), 'linux.seccomp.syscalls[0].names[0] must be text'],
  [withRule({ names: ['a\0'] }), 'linux.seccomp.syscalls[0].names[0]'],
  [withRule({ action: 'SCMP_ACT_TRACE' }), 'linux.seccomp.syscalls[0].action: SCMP_ACT_TRACE'],
  [withRule({ errnoRet: 5 }), 'linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_ALLOW has no errno'],
  [withRule({ includes: {} }), 'linux.seccomp.syscalls[0].includes: crt does not know'],
  [withArg({ index: -1 }), 'linux.seccomp.syscalls[0].args[1].index must be'],
  [withArg({ index: 6 }), 'linux.seccomp.syscalls[0].args[1].index must be'],
  [withArg({ value: undefined }), 'linux.seccomp.syscalls[0].args[1].value is missing'],
  [withArg({ value: '5' }), 'linux.seccomp.syscalls[0].args[1].value must be'],
  [withArg({ value: 2 ** 53 }), 'linux.seccomp.syscalls[0].args[1].value: 9007199254740992 is too large to be exact'],
  [withArg({ value: 2n ** 64n }), 'linux.seccomp.syscalls[0].args[1].value must be'],
  [withArg({ valueTwo: -1 }), 'linux.seccomp.syscalls[0].args[1].valueTwo must be'],
  [withArg({ op: 'SCMP_CMP_MASKED_NE' }), 'linux.seccomp.syscalls[0].args[1].op must be one of'],
];

test('what is wrong is refused by the name of its field', (t) => {
  for (const [given, field] of WRONG) {
    const error = t.throws(() => SECCOMP(given, 'linux.seccomp'), { instanceOf: UserError }, field);
    t.is(error?.message.slice(0, field.length), field);
    t.truthy(error?.hint);
  }
});

test('every action and operator of the specification is taken', (t) => {
  for (const action of ['KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP', 'ERRNO', 'LOG', 'ALLOW', 'NOTIFY'])
    t.notThrows(() => SECCOMP(withRule({ action: `SCMP_ACT_${action}` }), ''), action);
  for (const op of ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ']) t.notThrows(() => SECCOMP(withArg({ op: `SCMP_CMP_${op}` }), ''), op);
  for (const value of [0, 2 ** 53 - 1, 2n ** 64n - 1n]) t.notThrows(() => SECCOMP(withArg({ value, valueTwo: value }), ''), String(value));
});
