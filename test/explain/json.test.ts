import test from 'ava';
import { type ExplainedStep, explainJson } from '../../src/explain/json.js';
import { samplePlan } from './fixture.js';
import { sampleResults } from './results.js';

const plan = samplePlan();
const FIELDS = ['index', 'op', 'actor', 'chapter', 'flags', 'operands', 'why', 'purpose', 'syscalls', 'man', 'errno', 'error', 'micros'];

function parse(text: string): ExplainedStep[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExplainedStep);
}

test('one object a step, one line each, always the same fields', (t) => {
  const steps = parse(explainJson(plan));
  t.is(steps.length, plan.steps.length);
  for (const [index, one] of steps.entries()) {
    t.deepEqual(Object.keys(one), FIELDS);
    t.is(one.index, index);
    t.is(one.op, plan.steps[index]?.op ?? '');
    t.is(one.errno, null);
    t.is(one.micros, null);
  }
});

test('results are joined by index', (t) => {
  const results = [...sampleResults(plan).slice(0, 5), { index: 5, errno: 28, micros: 77 }];
  const steps = parse(explainJson(plan, { results }));
  t.like(steps[1], { errno: 0, error: null, micros: results[1]?.micros ?? -1 });
  t.like(steps[5], { errno: 28, error: 'ENOSPC', micros: 77 });
  t.like(steps[6], { errno: null, error: null, micros: null });
});

test('operands are decoded', (t) => {
  const steps = parse(explainJson(plan));
  const of = (op: string) => steps.find((one) => one.op === op)?.operands;
  t.deepEqual(of('clone'), { pidfd: 'init', namespaces: ['CLONE_NEWNS', 'CLONE_NEWPID'] });
  t.deepEqual(of('propagation'), { mode: ['MS_SLAVE'] });
  t.deepEqual(of('file'), { target: '/run/crt/box/file-0', content: 'box\n', mode: '0644' });
  t.deepEqual(of('rlimit'), { resource: 'RLIMIT_CORE', soft: '0', hard: '0' });
  t.deepEqual(of('caps')?.['inheritable'], []);
  t.deepEqual(of('bounding')?.['capabilities'], [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_KILL',
    'CAP_SETGID',
    'CAP_SETUID',
    'CAP_NET_BIND_SERVICE',
    'CAP_SYS_CHROOT',
  ]);
  t.is(of('exec')?.['reaper'], true);
});

test('secrets stay hidden, and the lines are harmless to print', (t) => {
  const text = explainJson(plan);
  t.false(text.includes('hunter2') || text.includes('tok-4711'));
  t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  const env = parse(explainJson(plan, { showSecrets: true })).at(-1)?.operands['env'];
  t.deepEqual(env, ['PATH=/usr/local/bin:/usr/bin', 'TERM=xterm', 'API_TOKEN=tok-4711', 'db_password=hunter2', 'TITLE=\x1b]0;owned\x07']);
});

test('the whole sample', (t) => {
  t.snapshot(explainJson(plan, { results: sampleResults(plan) }));
});
