import test from 'ava';
import fc from 'fast-check';
import { compileRun } from '../../src/plan/compile-run.js';
import { type DecodedStep, decodePlan } from '../../src/plan/decode.js';
import { encodePlan, operandsOf } from '../../src/plan/encode.js';
import type { OpName } from '../../src/plan/ops.js';
import { ACTORS, FLAG_BITS, OPS, type StepFlag } from '../../src/plan/ops.js';
import type { Plan, Step } from '../../src/plan/step.js';
import { cases } from './configs.js';

/** What must come back of a step: slots by their number, numbers as 64 bits, absent ones as 0. */
function expected(plan: Plan): DecodedStep[] {
  const slots = new Map<string, number>();
  return plan.steps.map((step) => {
    const operands: Record<string, unknown> = {};
    for (const { kind, name } of operandsOf(step.op)) {
      const value = (step.operands as Record<string, unknown>)[name];
      if (kind === 'num') operands[name] = BigInt.asUintN(64, BigInt((value as number | bigint | undefined) ?? 0));
      else if (value === undefined) continue;
      else if (kind === 'out') operands[name] = slots.set(value as string, slots.size).size - 1;
      else if (kind === 'in') operands[name] = slots.get(value as string);
      else operands[name] = kind === 'bytes' ? Uint8Array.from(value as Uint8Array) : value;
    }
    const flags = (Object.keys(FLAG_BITS) as StepFlag[]).filter((flag) => step.flags.includes(flag));
    return { op: step.op, actor: step.actor, flags, operands: operands as DecodedStep['operands'] };
  });
}

test('a compiled plan comes back from its bytes', (t) => {
  fc.assert(
    fc.property(cases, ({ config, layout }) => {
      const plan = compileRun(config, layout);
      t.deepEqual(decodePlan(encodePlan(plan)), expected(plan));
    }),
    { numRuns: 200 },
  );
});

const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => !value.includes('\0'));
const VALUES = {
  host: text,
  path: text,
  str: text,
  list: fc.array(text, { maxLength: 5 }),
  bytes: fc.uint8Array({ maxLength: 40 }),
  num: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
} as const;

/** Any step of any verb, slots apart: they depend on the steps before. */
const steps: fc.Arbitrary<Step> = fc.constantFrom(...(Object.keys(OPS) as OpName[])).chain((op) => {
  const operands = Object.fromEntries(
    operandsOf(op).flatMap(({ kind, name, optional }) => {
      if (kind === 'in' || kind === 'out') return [];
      return [[name, optional ? fc.option(VALUES[kind] as fc.Arbitrary<unknown>, { nil: undefined }) : VALUES[kind]]];
    }),
  );
  const flags = fc.subarray(Object.keys(FLAG_BITS) as StepFlag[]);
  return fc.record({
    op: fc.constant(op),
    actor: fc.constantFrom(...ACTORS),
    flags,
    operands: fc.record(operands),
    chapter: fc.constant('prepare'),
    why: fc.constant(''),
  }) as fc.Arbitrary<Step>;
});

test('steps with any operands come back from their bytes', (t) => {
  const withoutSlots = steps.filter(({ op }) => operandsOf(op).every(({ kind }) => kind !== 'in' && kind !== 'out'));
  fc.assert(
    fc.property(fc.array(withoutSlots, { maxLength: 20 }), (list) => {
      const plan = { steps: list };
      t.deepEqual(decodePlan(encodePlan(plan)), expected(plan));
    }),
    { numRuns: 300 },
  );
});

test('foreign bytes are refused', (t) => {
  const bytes = encodePlan({ steps: [{ op: 'stage', actor: 'monitor', flags: [], operands: {}, chapter: 'prepare', why: '' }] });
  bytes.writeUInt16LE(999, 32);
  t.throws(() => decodePlan(bytes), { instanceOf: TypeError });
});
