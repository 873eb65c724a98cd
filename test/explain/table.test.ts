import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { explainPlan } from '../../src/explain/table.js';
import { displayWidth } from '../../src/format/printable.js';
import { type Plan, step, toContainerPath, toHostPath } from '../../src/plan/step.js';
import { samplePlan } from './fixture.js';
import { sampleResults } from './results.js';

const plan = samplePlan();
const results = sampleResults(plan);

/** Everything that is long, wide or hostile. */
function hostilePlan(): Plan {
  const long = `/${'verylongname'.repeat(20)}/${'日本語'.repeat(30)}/${'👩‍🚀'.repeat(20)}`;
  const note = { chapter: 'mounts', why: `\x1b[31m${'wide界'.repeat(40)}\n\u202e` } as const;
  const mount = {
    root: 'root',
    type: 'tmpfs\x07',
    source: long,
    target: toContainerPath(long),
    options: [`a=${'b'.repeat(300)}`],
    attrs: 0xff,
    mode: 0o1777,
  };
  return {
    steps: [
      step('on-orphan', 'monitor', { argv: [long, '\x1b]0;title\x07'], env: [] }, note),
      ...Array.from({ length: 9 }, () => step('mount', 'init', mount, note)),
      // So many that their numbers take four columns.
      ...Array.from({ length: 1000 }, () => step('loopback', 'init', {}, { ...note, why: '' })),
      step('bind-source', 'stage', { source: toHostPath(long), target: toHostPath('/x'), attrs: 1 }, note),
      step('clone', 'stage', { pidfd: 'init', namespaces: 0xffffffff }, { ...note, chapter: 'namespaces' }),
    ],
  };
}

for (const width of [40, 60, 80, 100, 120, 200]) {
  test(`no line is longer than ${width} columns, with colours or without`, (t) => {
    for (const one of [plan, hostilePlan()]) {
      for (const options of [
        {},
        { results: one.steps.map((_, index) => ({ index, errno: index % 7 === 3 ? 13 : 0, micros: 123456789 })) },
        { results },
      ]) {
        const plain = explainPlan(one, { width, color: false, ...options });
        const colored = explainPlan(one, { width, color: true, ...options });
        for (const line of plain.split('\n')) t.true(displayWidth(line) <= width, `${displayWidth(line)}: ${line}`);
        t.notRegex(plain.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        t.deepEqual(
          stripVTControlCharacters(colored)
            .split('\n')
            .map((line) => line.trimEnd()),
          plain.split('\n'),
        );
        t.notRegex(colored.replace(/\x1b\[[\d;]*m/g, '').replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }
    }
  });
}

test('stacked, for 60 columns, with durations', (t) => {
  t.snapshot(explainPlan(plan, { width: 60, color: false, results }));
});

test('stacked, for 80 columns, before the start', (t) => {
  t.snapshot(explainPlan(plan, { width: 80, color: false }));
});

test('in columns, for 120', (t) => {
  t.snapshot(explainPlan(plan, { width: 120, color: false, results }));
});

test('in colours', (t) => {
  t.snapshot(explainPlan({ steps: plan.steps.slice(15, 26) }, { width: 80, color: true, results }));
});

test('every step has its number, alone or in a run of like steps', (t) => {
  const numbers = [...explainPlan(plan, { width: 120, color: false }).matchAll(/^ *(\d+)(?:–(\d+))? {2}\S/gm)].flatMap(
    ([, first, last = first]) => Array.from({ length: Number(last) - Number(first) + 1 }, (_, offset) => Number(first) + offset),
  );
  t.deepEqual(
    numbers,
    plan.steps.map((_, index) => index + 1),
  );
});

test('the slowest step is marked, one that has not run has no duration', (t) => {
  const lines = explainPlan(plan, { width: 80, color: false, results }).split('\n');
  t.deepEqual(
    lines.filter((line) => line.includes('◂')).map((line) => line.trim().replace(/ +/g, ' ')),
    ['29 clone CLONE_NEWNS|CLONE_NEWPID ◂ 1 234 µs'],
  );
  t.true(lines.some((line) => /exec python3.* –$/.test(line)));
  t.true(lines.at(-2)?.startsWith(`${plan.steps.length} steps in `));
});

test('a failed step says so, and never hides in a run of like ones', (t) => {
  const index = plan.steps.findIndex(({ op }) => op === 'mask') + 2;
  const failed = results.slice(0, index).concat({ index, errno: 13, micros: 5 });
  const text = explainPlan(plan, { width: 80, color: false, results: failed });
  t.regex(text, new RegExp(`^ *${index + 1}  mask /proc/keys.* ✗ EACCES +5 µs$`, 'm'));
});

test('a width below 40 is taken as 40', (t) => {
  t.is(explainPlan(plan, { width: 3, color: false }), explainPlan(plan, { width: 40, color: false }));
});
