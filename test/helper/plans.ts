import { openCgroup } from '../../src/cgroup/open.js';
import type { RunOptions } from '../../src/options.js';
import { compileRun } from '../../src/plan/compile-run.js';
import { encodePlan } from '../../src/plan/encode.js';
import type { Layout, RootSource } from '../../src/plan/layout.js';
import { step, toContainerPath, toHostPath } from '../../src/plan/step.js';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import { defaultProfile } from '../../src/seccomp/default-profile.js';
import { mountListener } from '../../src/seccomp/mount-listener.js';
import { toConfig } from '../../src/spec/from-options.js';

const lower = toHostPath('/srv/rootfs');
const ROOTS: readonly RootSource[] = [
  { kind: 'layer', lower, upper: toHostPath('/layers/1/upper'), work: toHostPath('/layers/1/work'), discard: true },
  { kind: 'memory', lower, size: 1 << 20 },
  { kind: 'directory', directory: lower },
];

/** A version 1 cgroup as its driver answers, without a look at this machine. */
const cgroup: Layout['cgroup'] = {
  open: () => ({
    steps: [
      step(
        'open',
        'stage',
        { fd: 'tasks', path: toHostPath('/sys/fs/cgroup/memory/box/tasks'), flags: 1 },
        { chapter: 'cgroup', why: 'the way in' },
      ),
    ],
    cloneInto: undefined,
  }),
  join: () => [step('cgroup-join', 'init', { tasks: 'tasks' }, { chapter: 'cgroup', why: 'enter' })],
  mounts: (root) => [
    step(
      'symlink',
      'init',
      { root, content: 'box/tasks', target: toContainerPath('/sys/fs/cgroup/tasks') },
      { chapter: 'cgroup', why: 'the usual path' },
    ),
  ],
  seal: () => [],
};

function layoutOf(root: RootSource, more: { hold: boolean; reaper: boolean }): Layout {
  return {
    staging: toHostPath('/run/crt/box'),
    root,
    probeRoot: lower,
    cgroup,
    control: { directory: toHostPath('/run/crt/box'), start: 1, timeout: 0 },
    log: { directory: toHostPath('/var/lib/crt/layers/7f3a'), size: 1000, files: 2 },
    streams: 7,
    files: [{ target: toContainerPath('/etc/hostname'), content: 'box\n' }],
    onOrphan: { argv: ['/usr/bin/node', '/opt/crt/bin/run.js', 'undo', 'box'], env: ['PATH=/usr/bin'] },
    filter: undefined,
    listener: mountListener('x64'),
    holdBeforeExec: more.hold,
    reaper: more.reaper,
  };
}

const OPTIONS: readonly RunOptions[] = [
  { name: 'box' },
  { name: 'box', command: ['sh', '-c', 'exit 3'], tty: true, user: 'ada:users', cwd: '/data', memory: 50 << 20 },
  {
    name: 'box',
    command: ['/bin/true'],
    readOnly: true,
    ulimits: { nofile: [64, 128] },
    mounts: [
      { source: '/srv', target: '/data' },
      { type: 'tmpfs', target: '/big' },
    ],
  },
  { name: 'box', command: ['/bin/true'], securityOpt: { noNewPrivileges: false, apparmor: 'strict', label: { type: 'spc_t' } } },
  { name: 'box', command: ['printf', ''], env: { LANG: 'C', EMPTY: '', LONG: 'x'.repeat(5000) }, hostname: 'other' },
];

/** Version 2 as its driver answers, which asks this machine nothing for it. */
const unified = openCgroup(
  { mode: 'v2', hierarchies: [], unified: { mountpoint: toHostPath('/sys/fs/cgroup'), controllers: ['memory', 'pids'], own: '/' } },
  'box',
  { pids: { limit: 64 } },
);

/** With a user namespace, version 2 and the default filter, as a start makes them on most machines. */
function isolatedPlans(): Buffer[] {
  const filter = compileSeccomp(defaultProfile({ capabilities: ['CAP_CHOWN'], mountIsAnswered: true }), { arch: 'x64' });
  return OPTIONS.slice(0, 3).flatMap((options, index) => {
    const facts = { cpus: 2, oomScoreAdj: 0 };
    const config = toConfig(options, { facts, rootfs: lower, rootfsKind: 'directory', ids: 0x70000000 });
    return ROOTS.slice(0, 2).map((root) => {
      const layout = { ...layoutOf(root, { hold: false, reaper: index === 1 }), cgroup: unified, filter };
      return encodePlan(compileRun(config, layout), { reportSteps: false });
    });
  });
}

/** Real plans, as bytes: every kind of root, both cgroup versions, with and without user namespace, filter, terminal, reaper and hold. */
export function realPlans(): Buffer[] {
  return [...plainPlans(), ...isolatedPlans()];
}

function plainPlans(): Buffer[] {
  return OPTIONS.flatMap((options, index) => {
    const config = toConfig(options, { facts: { cpus: 2, oomScoreAdj: 0 }, rootfs: lower, rootfsKind: 'directory' });
    return ROOTS.map((root) =>
      encodePlan(compileRun(config, layoutOf(root, { hold: index % 2 === 1, reaper: index > 1 })), { reportSteps: index > 1 }),
    );
  });
}
