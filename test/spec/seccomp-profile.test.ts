import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { stringifyExactJson } from '../../src/spec/json.js';
import { type ProfileTarget, readSeccompProfile } from '../../src/spec/seccomp-profile.js';
import type { Seccomp } from '../../src/spec/types.js';
import { SECCOMP } from '../../src/spec/validate-seccomp.js';

const TARGET: ProfileTarget = { arch: 'x64', kernel: { major: 6, minor: 1 }, capabilities: ['CAP_CHOWN', 'CAP_SYS_CHROOT'] };
const read = (profile: unknown, target: Partial<ProfileTarget> = {}): Seccomp =>
  readSeccompProfile(stringifyExactJson(profile), 'p.json', { ...TARGET, ...target });
const message = (text: string): string => {
  try {
    readSeccompProfile(text, 'p.json', TARGET);
    return 'taken';
  } catch (error) {
    return error instanceof UserError && error.hint ? error.message : `not a UserError with a hint: ${String(error)}`;
  }
};

test("the specification's form passes through", (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      { names: ['ptrace'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 2n ** 64n - 1n, valueTwo: 2n ** 53n + 1n, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  };
  t.deepEqual(read(profile), profile);
  t.deepEqual(SECCOMP(profile, ''), profile);
});

test('archMap gives the architectures of this processor', (t) => {
  const archMap = [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: null },
  ];
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', archMap, syscalls: null };
  t.deepEqual(read(profile).architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
  t.deepEqual(read(profile, { arch: 'arm64' }).architectures, ['SCMP_ARCH_AARCH64']);
  t.deepEqual(read(profile, { arch: 'riscv64' }).architectures, []);
});

test('includes and excludes choose the rules', (t) => {
  const kept = (condition: object, target: Partial<ProfileTarget> = {}): boolean =>
    (read({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ name: 'read', action: 'SCMP_ACT_ALLOW', ...condition }] }, target).syscalls ?? [])
      .length === 1;
  t.true(kept({}));
  t.true(kept({ includes: null, excludes: {}, args: null, comment: 'x', names: [] }));
  t.true(kept({ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_CHROOT'] } }));
  t.false(kept({ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }));
  t.false(kept({ excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } }));
  t.true(kept({ excludes: { caps: ['CAP_SYS_ADMIN'] } }));
  t.true(kept({ includes: { arches: ['amd64', 'x32'] } }));
  t.false(kept({ includes: { arches: ['amd64'] } }, { arch: 'arm64' }));
  t.false(kept({ excludes: { arches: ['arm64'] } }, { arch: 'arm64' }));
  for (const [minor, major, is] of [
    [8, 4, true],
    [7, 4, false],
    [0, 5, true],
    [9, 3, false],
  ] as const) {
    t.is(kept({ includes: { minKernel: '4.8' } }, { kernel: { major, minor } }), is, `${major}.${minor}`);
    t.is(kept({ excludes: { minKernel: '4.8' } }, { kernel: { major, minor } }), !is, `${major}.${minor}`);
  }
});

test("podman's errno by name", (t) => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrno: 'ENOSYS',
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errno: 'EINVAL' }],
  };
  t.deepEqual(read(profile), {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 22 }],
  });
});

const rule = (text: string): string => `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{${text}}]}`;
const WRONG: readonly (readonly [text: string, message: string])[] = [
  ['', 'p.json: this is not JSON'],
  ['{', 'p.json: this is not JSON'],
  ['[]', 'p.json: a seccomp profile is an object, not a list'],
  ['null', 'p.json: a seccomp profile is an object, not null'],
  ['{}', 'p.json: defaultAction is missing'],
  ['{"defaultAction": "ALLOW"}', 'p.json: defaultAction must be one of SCMP_ACT_KILL, '],
  ['{"defaultAction": "SCMP_ACT_TRACE"}', 'p.json: defaultAction: SCMP_ACT_TRACE needs a tracer'],
  ['{"defaultAction": "SCMP_ACT_NOTIFY"}', 'p.json: defaultAction: SCMP_ACT_NOTIFY cannot be the default'],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}', 'p.json: defaultErrnoRet: SCMP_ACT_ALLOW has no errno'],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}', 'p.json: listenerPath: crt does not have agents'],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "sycalls": []}', 'p.json: sycalls: crt does not know this field'],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "__proto__": {}}', 'p.json: __proto__: crt does not know this field'],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["x86"]}', 'p.json: architectures[0] must be one of'],
  [
    '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_ARM"], "archMap": [{"architecture": "SCMP_ARCH_ARM"}]}',
    'p.json: archMap: architectures is there too',
  ],
  ['{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SPEC_ALLOW"]}', 'p.json: flags[0] must be one of'],
  [rule('"names": ["read"]'), 'p.json: syscalls[0].action is missing'],
  [rule('"action": "SCMP_ACT_ALLOW"'), 'p.json: syscalls[0].names is empty'],
  [rule('"action": "SCMP_ACT_ALLOW", "name": "a", "names": ["b"]'), 'p.json: syscalls[0].name: names is there too'],
  [rule('"action": "SCMP_ACT_ALLOW", "names": ["re ad"]'), 'p.json: syscalls[0].names[0]: "re ad" is not the name of a system call'],
  [rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "errnoRet": 1'), 'p.json: syscalls[0].errnoRet: SCMP_ACT_ALLOW has no errno'],
  [
    rule('"action": "SCMP_ACT_ERRNO", "names": ["read"], "errnoRet": 4096'),
    'p.json: syscalls[0].errnoRet must be an errno from 0 to 4095, not 4096',
  ],
  [rule('"action": "SCMP_ACT_ERRNO", "names": ["read"], "errno": "EWHAT"'), 'p.json: syscalls[0].errno must be the name of an errno'],
  [
    rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "includes": {"minKernel": "four"}'),
    'p.json: syscalls[0].includes.minKernel must be a kernel version',
  ],
  [rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "includes": {"cap": []}'), 'p.json: syscalls[0].includes.cap: crt does not know'],
  [
    rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]'),
    'p.json: syscalls[0].args[0].index must be',
  ],
  [
    rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]'),
    'p.json: syscalls[0].args[0].value must be',
  ],
  [
    rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]'),
    'p.json: syscalls[0].args[0].value must be',
  ],
  [
    rule('"action": "SCMP_ACT_ALLOW", "names": ["read"], "args": [{"index": 0, "value": 0, "op": "=="}]'),
    'p.json: syscalls[0].args[0].op must be one of SCMP_CMP_NE, ',
  ],
];

test('what is wrong is refused by file and field', (t) => {
  for (const [text, expected] of WRONG) t.is(message(text).slice(0, expected.length), expected, text);
});

test('a number beyond 2^53 is not rounded', (t) => {
  const text = rule(
    '"action": "SCMP_ACT_ALLOW", "names": ["read"], "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}]',
  );
  t.is(readSeccompProfile(text, 'p.json', TARGET).syscalls?.[0]?.args?.[0]?.value, 18446744073709551615n);
});

test('nothing but a profile or a UserError comes of any JSON', (t) => {
  const keys = ['defaultAction', 'defaultErrnoRet', 'defaultErrno', 'architectures', 'archMap', 'flags', 'syscalls'];
  const inner = [
    'name',
    'names',
    'action',
    'errnoRet',
    'errno',
    'args',
    'comment',
    'includes',
    'excludes',
    'caps',
    'arches',
    'minKernel',
    'index',
    'value',
    'valueTwo',
    'op',
  ];
  const leaf = fc.oneof(
    fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_CMP_EQ', 'SCMP_ARCH_X86_64', '4.8', 'EPERM', 'read', 'CAP_CHOWN'),
    fc.constantFrom(null, 0, 1, -1, 2 ** 60, 1.5, true, '', '__proto__'),
    fc.string(),
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...inner), tie('node'), { maxKeys: 4 }),
    ),
  }));
  const profile = fc.dictionary(fc.constantFrom(...keys), node).map((given) => ({ defaultAction: 'SCMP_ACT_ALLOW', ...given }));
  fc.assert(
    fc.property(profile, (given) => void t.notRegex(message(JSON.stringify(given)), /^not a UserError/)),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.json(), (text) => void t.notRegex(message(text), /^not a UserError/)),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string(), (text) => void t.notRegex(message(text), /^not a UserError/)));
});

for (const path of ['/usr/share/containers/seccomp.json', process.env['CRT_DOCKER_SECCOMP'] ?? '']) {
  if (path === '') continue;
  (existsSync(path) ? test : test.skip)(
    `the published profile ${path.split('/').slice(-2).join('/')} is read, and what comes is valid`,
    (t) => {
      for (const arch of ['x64', 'arm64']) {
        const profile = readSeccompProfile(readFileSync(path, 'utf8'), path, { ...TARGET, arch });
        t.true((profile.syscalls ?? []).length > 5);
        t.deepEqual(SECCOMP(profile, 'linux.seccomp'), profile);
      }
    },
  );
}
