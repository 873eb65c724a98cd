import test from 'ava';
import { UserError } from '../../src/errors.js';
import { encodePlan, HEADER_BYTES, MAX_PLAN_BYTES, STEP_BYTES } from '../../src/plan/encode.js';
import { OPS, type OpName } from '../../src/plan/ops.js';
import { type Step, step, toContainerPath, toHostPath } from '../../src/plan/step.js';

const note = { chapter: 'prepare' as const, why: '' };
const open = (fd: string): Step => step('open', 'stage', { fd, path: toHostPath('/x'), flags: 0 }, note);
const pivot = step('pivot', 'init', { root: 'root' }, note);

test('a text with a NUL is refused: the helper would see its beginning only', (t) => {
  const hostname = step('hostname', 'init', { name: 'a\0b' }, note);
  t.throws(() => encodePlan({ steps: [hostname] }), { instanceOf: TypeError, message: /NUL/ });
  const exec = step('exec', 'init', { candidates: ['/bin/sh'], argv: ['sh', 'a\0b'], env: [], reaper: 0 }, note);
  t.throws(() => encodePlan({ steps: [exec] }), { instanceOf: TypeError, message: /NUL/ });
});

test('a path that is not absolute cannot be made', (t) => {
  for (const make of [toHostPath, toContainerPath]) {
    t.throws(() => make('relative'), { instanceOf: TypeError });
    t.throws(() => make('/a\0b'), { instanceOf: TypeError });
  }
});

test('a slot is filled once, before it is read, and there are 32', (t) => {
  t.throws(() => encodePlan({ steps: [pivot] }), { message: /read before it is filled/ });
  t.throws(() => encodePlan({ steps: [open('root'), open('root')] }), { message: /filled twice/ });
  const many = Array.from({ length: 32 }, (_, index) => open(`slot-${index}`));
  t.notThrows(() => encodePlan({ steps: many }));
  t.throws(() => encodePlan({ steps: [...many, open('one-more')] }), { message: /one too many/ });
});

test('an operand that is missing is refused', (t) => {
  const broken = { ...pivot, op: 'hostname', operands: {} } as unknown as Step;
  t.throws(() => encodePlan({ steps: [broken] }), { message: /hostname: name is missing/ });
});

test('a plan that the helper would not take is refused, in words', (t) => {
  const exec = (bytes: number): Step => step('exec', 'init', { candidates: [], argv: ['x'.repeat(bytes)], env: [], reaper: 0 }, note);
  const most = MAX_PLAN_BYTES - STEP_BYTES - 1;
  t.is(encodePlan({ steps: [exec(most)] }).length, MAX_PLAN_BYTES + HEADER_BYTES);
  t.throws(() => encodePlan({ steps: [exec(most + 1)] }), { instanceOf: UserError, message: /arguments and the environment/ });
});

test('equal texts are stored once', (t) => {
  const list = [open('a'), open('b')];
  t.is(encodePlan({ steps: list }).length, HEADER_BYTES + 2 * STEP_BYTES + '/x\0'.length);
});

test('no verb has more operands than a record has room for', (t) => {
  for (const name of Object.keys(OPS) as OpName[]) {
    const kinds = OPS[name].operands
      .split(' ')
      .filter(Boolean)
      .map((word) => word.split(':')[0]?.replace('?', '') ?? '');
    const count = (wanted: readonly string[]): number => kinds.filter((kind) => wanted.includes(kind)).length;
    t.true(count(['in', 'out']) <= 4 && count(['host', 'path', 'str', 'list', 'bytes']) <= 4 && count(['num']) <= 3, name);
  }
});
