import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import { encodePlan, HEADER_BYTES, STEP_BYTES } from '../../src/plan/encode.js';
import { type OpName, opLines, opsHash } from '../../src/plan/ops.js';
import { type Step, step, toHostPath } from '../../src/plan/step.js';
import { PATIENCE } from '../in-time.js';
import { callHelper, feed, HELPER } from './_helper.js';
import { realPlans } from './plans.js';

const plan = realPlans()[0] ?? Buffer.alloc(0);

/** A copy of the plan with one byte changed. */
function changed(offset: number, value: number): Buffer {
  const bytes = Buffer.from(plan);
  bytes[offset] = value;
  return bytes;
}

test('the helper speaks the same vocabulary', async (t) => {
  t.deepEqual(callHelper('--ops'), { status: 0, stdout: `${opLines().join('\n')}\n`, stderr: '' });
  const { events } = await feed(Buffer.alloc(0));
  t.deepEqual(events[0], { kind: 'hello', hash: opsHash() });
});

test('what is no verb is answered with the usage', (t) => {
  for (const words of [[], ['start'], ['--help']]) {
    const { status, stderr } = callHelper(...words);
    t.is(status, 2);
    t.regex(stderr, /^usage: crt-init run \| /);
  }
});

test('a plan that is wrong is refused before anything runs, with the step and the reason', async (t) => {
  const second = HEADER_BYTES + STEP_BYTES;
  const wrong: [Buffer, number, RegExp][] = [
    [changed(0, 0), 0, /no plan of this version/],
    [changed(4, 9), 0, /no plan of this version/],
    [changed(8, (plan[8] ?? 0) ^ 1), 0, /another table of ops/],
    [changed(second, 0xee), 1, /unknown op/],
    [changed(second + 2, 2), 1, /wrong actor/],
    [changed(second + 4, 5), 1, /a slot too many/],
    [encodePlan({ steps: [step('report', 'monitor', { reason: 'x' }, { chapter: 'prepare', why: '' })] }), 0, /out of order/],
  ];
  for (const [bytes, index, reason] of wrong) {
    const { events, code } = await feed(bytes);
    t.deepEqual(
      events.map(({ kind }) => kind),
      ['hello', 'failed'],
    );
    const failed = events[1];
    if (failed?.kind !== 'failed') return t.fail();
    t.is(failed.index, index);
    t.regex(failed.text, reason);
    t.is(code, 1);
  }
});

test('half a plan, none at all and garbage end the helper', async (t) => {
  const garbage = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 167 + 13) & 255));
  for (const bytes of [Buffer.alloc(0), plan.subarray(0, 7), plan.subarray(0, HEADER_BYTES), plan.subarray(0, plan.length - 1), garbage]) {
    const { events, code } = await feed(bytes);
    t.deepEqual(
      events.map(({ kind }) => kind),
      ['hello', 'failed'],
    );
    t.is(code, 1);
  }
});

test('without its socket the helper does nothing', (t) => {
  t.is(spawnSync(HELPER, ['run'], { env: {}, stdio: 'ignore', timeout: PATIENCE }).status, 1);
  const file = openSync('/dev/null', 'r');
  t.is(spawnSync(HELPER, ['run'], { env: {}, stdio: ['ignore', 'ignore', 'ignore', file], timeout: PATIENCE }).status, 1);
  closeSync(file);
});

test('a directory as stdin is refused: it leads out of the container', async (t) => {
  const directory = openSync('/', 'r');
  const { events, code } = await feed(plan, { stdin: directory });
  closeSync(directory);
  t.is(code, 1);
  const failed = events[1];
  t.true(failed?.kind === 'failed' && /directory/.test(failed.text));
});

test('a closed stdin is refused: the first file that is opened would take its place', (t) => {
  const { status, output } = spawnSync('/bin/sh', ['-c', 'exec "$0" run 0<&-', HELPER], {
    env: {},
    timeout: PATIENCE,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  t.is(status, 1);
  t.regex(String(output[3]), /stdin, stdout or stderr is closed/);
});

test('the end of the supervisor after the plan undoes by the words of the plan', async (t) => {
  const { events, code } = await feed(
    encodePlan({
      steps: [
        step('on-orphan', 'monitor', { argv: ['/bin/sh', '-c', 'exit 42'], env: [] }, { chapter: 'prepare', why: '' }),
        step('stage', 'monitor', {}, { chapter: 'prepare', why: '' }),
        step('report', 'monitor', { reason: 'x' }, { chapter: 'prepare', why: '' }),
        step('await', 'monitor', {}, { chapter: 'prepare', why: '' }),
        step('clone', 'stage', { pidfd: 'init', namespaces: 0 }, { chapter: 'namespaces', why: '' }),
        step('exec', 'init', { candidates: ['/bin/false'], argv: ['false'], env: [], reaper: 0 }, { chapter: 'process', why: '' }),
      ],
    }),
  );
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['hello', 'report', 'failed'],
  );
  t.is(code, 42);
});

test('a step that fails is named, whichever process it is in', async (t) => {
  const note = { chapter: 'process', why: '' } as const;
  const none = toHostPath('/nowhere');
  const born = [step('clone', 'stage', { pidfd: 'init', namespaces: 0 }, note), step('parent-death', 'init', { signal: 9 }, note)];
  const stage = step('stage', 'monitor', {}, note);
  const exec = step('exec', 'init', { candidates: ['/bin/true'], argv: ['true'], env: [], reaper: 0 }, note);
  const cases: [Step[], OpName, number][] = [
    [[step('open', 'stage', { fd: 'x', path: none, flags: 0 }, note), ...born], 'open', constants.errno.ENOENT],
    [[step('clone', 'stage', { pidfd: 'init', namespaces: 0x20200 }, note), ...born.slice(1)], 'clone', constants.errno.EINVAL],
    [[...born.slice(0, 1), step('parent-death', 'init', { signal: 65 }, note)], 'parent-death', constants.errno.EINVAL],
    [
      [
        step('open', 'stage', { fd: 'x', path: toHostPath('/dev/full'), flags: 1 }, note),
        ...born,
        step('cgroup-join', 'init', { tasks: 'x' }, note),
      ],
      'cgroup-join',
      constants.errno.ENOSPC,
    ],
    // Half an instruction; a program that ends without an answer; a descriptor that is no cgroup.
    ...(
      [
        [Buffer.alloc(4), constants.errno.EINVAL],
        [Buffer.alloc(8), constants.errno.EINVAL],
        [Buffer.from('b400000001000000' + '9500000000000000', 'hex'), constants.errno.EBADF],
      ] as const
    ).map(([program, errno]): [Step[], OpName, number] => [
      [
        step('open', 'stage', { fd: 'x', path: toHostPath('/dev/null'), flags: 0 }, note),
        step('device-filter', 'stage', { cgroup: 'x', program }, note),
        ...born,
      ],
      'device-filter',
      errno,
    ]),
    [[...born, step('root', 'init', { root: 'root', path: none }, note)], 'root', constants.errno.ENOENT],
    [[...born, step('unshare', 'init', { namespaces: 1 }, note)], 'unshare', constants.errno.EINVAL],
    [[...born, step('listener', 'init', { filter: new Uint8Array(7), flags: 0 }, note)], 'listener', constants.errno.EINVAL],
    [[...born, step('listener', 'init', { filter: new Uint8Array(8), flags: 0 }, note)], 'listener', constants.errno.EINVAL],
  ];
  for (const [steps, op, errno] of cases) {
    const all = [stage, ...steps, exec];
    const { events, code } = await feed(encodePlan({ steps: all }), { supervisor: 'lives' });
    const failed = events.at(-1);
    if (failed?.kind !== 'failed') return t.fail(op);
    t.is(all[failed.index]?.op, op);
    t.is(failed.errno, errno, op);
    t.is(code, 1);
  }
});

test('the helper is a static program of mode 755', (t) => {
  const elf = readFileSync(HELPER);
  t.is(elf.toString('latin1', 1, 4), 'ELF');
  const [table, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const types = Array.from({ length: count }, (_, index) => elf.readUInt32LE(table + size * index));
  const [DYNAMIC, INTERPRETER, STACK] = [2, 3, 0x6474e551];
  t.false(types.includes(INTERPRETER) || types.includes(DYNAMIC));
  const stack = types.indexOf(STACK);
  t.is(elf.readUInt32LE(table + size * stack + 4) & 1, 0, 'the stack is not executable');
  // What musl gives; glibc's static parts alone are 700 kB.
  if (!elf.includes('GLIBC_')) t.true(elf.length <= 100_000);
});
