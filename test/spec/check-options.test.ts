import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { checkOptions } from '../../src/spec/check-options.js';

const MIB = 1024 ** 2;
const check = (options: object) => checkOptions({ name: 'box', ...options });

/** Each wrong value of a field is refused by a message that begins with the field. */
const WRONG: Record<string, readonly unknown[]> = {
  rootfs: ['', 5, 'a\0b', null],
  command: ['sh', [''], [5], ['a\0'], [undefined], { 0: 'sh', length: 1 }, new Array(2)],
  env: [[], 'A=1', { A: 1 }, { A: null }, { '': 'x' }, { 'A=B': 'x' }, { A: '\0' }, { 'A\0': 'x' }],
  cwd: ['', 'tmp', './x', 5, '/a\0'],
  user: [0, '', '-1', '4294967295', 'a b'],
  hostname: ['', 'a b', '-x', 5],
  memory: ['50m', 50, 0, -1, Number.NaN, Infinity, 6 * MIB - 1, 6 * MIB + 0.5, 2 ** 53, 10n ** 9n, true],
  cpus: ['1', 0, -1, Number.NaN, Infinity, 0.001],
  cpuShares: [1, 0, 262_145, 2.5, '512', Number.NaN],
  cpusetCpus: ['', 'x', '3-1', 0, [0]],
  pidsLimit: [0, -2, 1.5, '5', Number.NaN, Infinity],
  timeout: [0, -1, 1.5, 2 ** 31, Infinity, Number.NaN, '5s'],
  mounts: [
    {},
    'x',
    [null],
    [{}],
    [{ target: 5 }],
    [{ source: '/a', target: '/b', readonly: 'yes' }],
    [{ source: '/a', target: '/b', size: 0 }],
    [{ type: 'volume', target: '/b' }],
    [{ source: '/a', target: '/b', options: [] }],
  ],
  capAdd: ['KILL', [5], ['NOPE'], [''], ['CHOWN,KILL'], ['constructor']],
  capDrop: ['KILL', [null], ['CAP_'], ['CAP_CAP_KILL']],
  securityOpt: [
    'x',
    { seccomp: 'profile.json' },
    { seccomp: 5 },
    { mask: '/a' },
    { mask: ['a'] },
    { mask: ['/'] },
    { unmask: 'all' },
    { unmask: ['b/c'] },
    { noNewPrivileges: 'no' },
    { apparmor: '' },
    { apparmor: 'a\nb' },
    { label: 'nested' },
    { label: { type: 'a b' } },
    { label: { kind: 'x' } },
    { bogus: 1 },
  ],
  devices: [
    {},
    [{}],
    [{ source: 'kvm' }],
    [{ source: '/srv/disk' }],
    [{ source: '/dev/kvm', access: '' }],
    [{ source: '/dev/kvm', access: 'rr' }],
    [{ source: '/dev/kvm', target: '/dev/pts/0' }],
    [{ source: '/dev/kvm', target: '/dev/shm/kvm' }],
    [{ source: '/dev/kvm', target: '/dev/ptmx' }],
    [{ source: '/dev/kvm', target: '/dev/../kvm' }],
    [{ source: '/dev/kvm', target: '/proc/kvm' }],
  ],
  privileged: ['yes', 1],
  network: ['bridge', 'NONE', null],
  userns: ['keep-id', 0],
  groupAdd: ['44', [-1], [4294967295], ['44']],
  readOnly: [1, 'true', null],
  init: ['yes'],
  writableRootfs: [0],
  storageSize: [0, 1, -1, 1.5, '1g', Number.NaN, 2 ** 53],
  keep: ['x'],
  tty: [1, 'yes', {}, { rows: 1 }, { rows: 0, columns: 1 }, { rows: 65_536, columns: 1 }, { rows: 1.5, columns: 1 }, null],
  input: [5, {}, [], null, true],
  stdout: ['', 'PIPE', 1, null],
  stderr: ['tee'],
  maxBuffer: [-1, 0.5, Infinity, '1'],
  signal: [{}, 'SIGTERM', null],
  onPlan: [5, {}],
  onSteps: ['x'],
  onStart: [null],
  onNotice: [[]],
};

for (const [field, values] of Object.entries(WRONG)) {
  test(`${field}: wrong values are refused by name`, (t) => {
    for (const value of values) {
      const error = t.throws(() => check({ [field]: value }), { instanceOf: UserError }, `${field} ${String(value)}`);
      t.regex(error?.message ?? '', new RegExp(`^${field}\\b`));
      t.truthy(error?.hint);
    }
  });
}

test('ulimits', (t) => {
  for (const value of [
    [],
    { nofile: 5 },
    { nofile: [1] },
    { nofile: [1, 2, 3] },
    { nofile: [2, 1] },
    { nofile: [-2, 1] },
    { nofile: ['1', '2'] },
    { nofil: [1, 2] },
    JSON.parse('{"__proto__": [1, 2]}'),
  ]) {
    t.throws(() => check({ ulimits: value }), { instanceOf: UserError, message: /^ulimits/ }, JSON.stringify(value));
  }
});

test('every option, right', (t) => {
  const all = {
    rootfs: 'roots/x',
    command: ['sh'],
    cwd: '/tmp',
    user: 'root',
    hostname: 'web',
    memory: 6 * MIB,
    memorySwap: 8 * MIB,
    cpus: 1,
    cpuShares: 2,
    cpusetCpus: '0',
    pidsLimit: 1,
    timeout: 1,
    mounts: [{ type: 'tmpfs', target: '/x', size: 1, mode: 0 }],
    readOnly: true,
    init: false,
    writableRootfs: false,
    storageSize: MIB,
    keep: true,
    tty: { rows: 1, columns: 65_535 },
    input: new Uint8Array(3),
    stdout: 'pipe',
    stderr: 'ignore',
    maxBuffer: 0,
    signal: new AbortController().signal,
    onPlan: () => {},
    onSteps: () => {},
    onStart: () => {},
    onNotice: () => {},
  };
  t.deepEqual<unknown, unknown>(check(all), { name: 'box', ...all });
});

test('undefined is as good as absent', (t) => {
  t.deepEqual(Object.keys(check({ memory: undefined, env: undefined })), ['name']);
});

test('unknown options are refused; the nearest is named', (t) => {
  t.is(t.throws(() => check({ memroy: 1 }), { instanceOf: UserError })?.hint, 'did you mean memory?');
  t.throws(() => check({ isolation: true }), { instanceOf: UserError, message: /^isolation: / });
  t.throws(() => checkOptions(JSON.parse('{"name": "box", "__proto__": {"memory": 1}}')), {
    instanceOf: UserError,
    message: /^__proto__: /,
  });
  for (const options of [undefined, null, 'box', 5, [], {}]) t.throws(() => checkOptions(options), { instanceOf: UserError });
});

test('what comes by way of a prototype does not count', (t) => {
  t.deepEqual<unknown, unknown>(checkOptions(Object.create({ memory: 5 }, { name: { value: 'box', enumerable: true } })), { name: 'box' });
});

test('options that contradict each other', (t) => {
  t.throws(() => check({ memorySwap: 8 * MIB }), { instanceOf: UserError, message: /^memorySwap: there is no memory limit/ });
  t.throws(() => check({ memory: 8 * MIB, memorySwap: 7 * MIB }), { message: /^memorySwap: 7 MiB is less/ });
  t.throws(() => check({ memory: 8 * MIB, memorySwap: -2 }), { message: /^memorySwap/ });
  t.is(check({ memory: 8 * MIB, memorySwap: -1 }).memorySwap, -1);
  for (const other of [{ keep: true }, { storageSize: MIB }, { readOnly: true }])
    t.throws(() => check({ writableRootfs: true, ...other }), { instanceOf: UserError, message: /writableRootfs/ });
});

test('anything at all is taken or refused in words', (t) => {
  const fields = [...Object.keys(WRONG), 'name', 'ulimits', 'memorySwap'];
  fc.assert(
    fc.property(
      fc.constantFrom(...fields),
      fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withTypedArray: true }),
      (field, value) => {
        try {
          checkOptions({ name: 'box', [field]: value });
          t.pass();
        } catch (error) {
          t.true(error instanceof UserError, `${field}: ${String(error)}`);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('an id that the user namespace does not have is refused before anything is made', (t) => {
  for (const user of ['65536', '0:65536', 'root:99999'])
    t.throws(() => check({ user }), { instanceOf: UserError, message: /^user: \d+ is none of the ids of a user namespace, 0 to 65535$/ });
  t.throws(() => check({ groupAdd: [1, 65536] }), { instanceOf: UserError, message: /^groupAdd\[1\]: 65536 / });
  t.notThrows(() => check({ user: '65535:65535', groupAdd: [65535] }));
  for (const more of [{ userns: 'host' }, { privileged: true }]) t.notThrows(() => check({ user: '65536', groupAdd: [65536], ...more }));
});

test('what contradicts itself is refused: one of the two would be ignored', (t) => {
  for (const options of [
    { capAdd: ['kill'], capDrop: ['CAP_KILL'] },
    { capAdd: ['ALL'], capDrop: ['all'] },
  ])
    t.throws(() => check(options), { instanceOf: UserError, message: /^capAdd: / });
  t.throws(() => check({ privileged: true, userns: 'auto' }), { instanceOf: UserError, message: /^userns: / });
  t.notThrows(() => check({ privileged: true, userns: 'host', capDrop: ['ALL'], capAdd: ['KILL'] }));
});
