import test from 'ava';
import fc from 'fast-check';
import type { RunOptions } from '../../src/options.js';
import { compileRun } from '../../src/plan/compile-run.js';
import { encodePlan } from '../../src/plan/encode.js';
import { isOp, type Plan } from '../../src/plan/step.js';
import { toConfig } from '../../src/spec/from-options.js';
import { cases, layoutOf, ROOTS } from './configs.js';

function compile(options: Partial<RunOptions>, layout: Parameters<typeof layoutOf>[0] = {}): Plan {
  const config = toConfig(
    { name: 'box', ...options },
    { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' },
  );
  return compileRun(config, layoutOf(layout));
}

/** A plan as people compare them: a line a step. */
function lines(plan: Plan): string[] {
  return plan.steps.map(({ op, actor, flags, operands }) => {
    const shown = JSON.stringify(operands, (_, value: unknown) =>
      typeof value === 'bigint' ? `0x${value.toString(16)}` : Buffer.isBuffer(value) ? value.toString() : value,
    );
    return [actor.padEnd(7), op, ...flags.map((flag) => `[${flag}]`), shown].join(' ');
  });
}

test('the plan of a container without options', (t) => {
  t.snapshot(lines(compile({})));
});

test('the plan of a container with everything', (t) => {
  const options: RunOptions = {
    name: 'box',
    command: ['python3', 'job.py'],
    env: { A: '1' },
    cwd: '/data',
    user: 'nobody:tty',
    hostname: 'other',
    ulimits: { nofile: [100, 200] },
    mounts: [
      { source: '/srv/data', target: '/data', readonly: true },
      { type: 'tmpfs', target: '/scratch', size: 1 << 20 },
    ],
    readOnly: true,
    init: true,
    tty: { rows: 50, columns: 132 },
  };
  t.snapshot(lines(compile(options, { root: ROOTS.memory, hold: true, reaper: true })));
});

test('compiling is pure: equal in, equal out, and the config is left as it was', (t) => {
  fc.assert(
    fc.property(cases, ({ config, layout }) => {
      const copy = structuredClone(config);
      freeze(config);
      const first = compileRun(config, layout);
      t.deepEqual(config, copy);
      t.deepEqual(compileRun(copy, layout), first);
      t.deepEqual(encodePlan(first), encodePlan(first));
    }),
    { numRuns: 100 },
  );
});

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}

function candidates(plan: Plan, op: 'probe' | 'exec'): unknown {
  return plan.steps.flatMap((step) => (isOp(step, op) ? step.operands.candidates : []));
}

test('a command without a slash is looked for along PATH of the container, never of the caller', (t) => {
  const exec = (options: Partial<RunOptions>): unknown => candidates(compile(options), 'exec');
  t.deepEqual(exec({ command: ['tool'], env: { PATH: '/a:/b/c' } }), ['/a/tool', '/b/c/tool']);
  t.deepEqual(exec({ command: ['tool'], env: { PATH: 'bin::/b' }, cwd: '/work' }), ['/work/bin/tool', '/work/./tool', '/b/tool']);
  t.deepEqual(exec({ command: ['./tool'], cwd: '/work' }), ['/work/./tool']);
  t.deepEqual(exec({ command: ['/bin/tool'] }), ['/bin/tool']);
  t.deepEqual(exec({}), ['/bin/bash', '/bin/sh']);
});

test('a command that a mount will bring is not looked for in the bare rootfs', (t) => {
  const probed = (options: Partial<RunOptions>): unknown => candidates(compile(options), 'probe');
  t.deepEqual(probed({ command: ['/bin/tool'] }), ['/bin/tool']);
  t.deepEqual(probed({ command: ['/data/tool'], mounts: [{ source: '/srv', target: '/data' }] }), []);
});

test('where the numbers of mount(2) are not known nothing listens for it', (t) => {
  const config = toConfig({ name: 'box' }, { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' });
  const ops = compileRun(config, { ...layoutOf({}), listener: undefined }).steps.map(({ op }) => op);
  t.false(ops.includes('listener') || ops.includes('answer'));
});

test('the flags of the filter: SPEC_ALLOW for those beside it, too', (t) => {
  const config = toConfig({ name: 'box' }, { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' });
  const flags = (filterFlags: number): unknown =>
    compileRun(config, { ...layoutOf({}), guard: new Uint8Array(8), filterFlags }).steps.flatMap((step) =>
      isOp(step, 'listener') || isOp(step, 'seccomp') ? [step.operands.flags] : [],
    );
  t.deepEqual(flags(2), [0, 0, 2]);
  t.deepEqual(flags(7), [4, 4, 7]);
});

test('labels of a security module: AppArmor has a verb and perhaps a file of its own, SELinux the bare context', (t) => {
  const labels = (options: Partial<RunOptions>, apparmorFile?: string): unknown => {
    const config = toConfig(
      { name: 'box', ...options },
      { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' },
    );
    const { steps } = compileRun(config, { ...layoutOf({}), ...(apparmorFile === undefined ? {} : { apparmorFile }) });
    return steps.flatMap((step) => (isOp(step, 'exec-label') ? [[step.operands.file, step.operands.label]] : []));
  };
  const apparmor = { securityOpt: { apparmor: 'docker-default' } };
  t.deepEqual(labels(apparmor), [['/proc/self/attr/exec', 'exec docker-default']]);
  t.deepEqual(labels(apparmor, '/proc/self/attr/apparmor/exec'), [['/proc/self/attr/apparmor/exec', 'exec docker-default']]);
  t.deepEqual(labels({ securityOpt: { label: { type: 'spc_t' } } }, '/x'), [['/proc/self/attr/exec', 'system_u:system_r:spc_t:s0']]);
  t.deepEqual(labels({ securityOpt: { apparmor: 'unconfined', label: 'disable' } }), []);
});

test('a path that is no path is an error of the caller', (t) => {
  const config = toConfig({ name: 'box' }, { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' });
  t.throws(() => compileRun({ ...config, mounts: [{ destination: 'relative', type: 'tmpfs' }] }, layoutOf({})), { instanceOf: TypeError });
});
