import type { Config, NamespaceType } from '../spec/types.js';
import { openConsole, openPipes } from './compile-run.js';
import type { DecodedStep } from './decode.js';
import { operandsOf } from './encode.js';
import { CLONE_FLAGS, O_PATH } from './numbers.js';
import type { OpName } from './ops.js';
import { commandCandidates, dieWithParent, findUser } from './process.js';
import { type HostPath, type Operands, type Plan, type Slot, type Step, step, toContainerPath, toHostPath } from './step.js';
import { hasUserNamespace } from './user.js';

/** A running container, as a command enters it. */
export interface ExecTarget {
  /** PID 1, as the host numbers it. */
  readonly pid: number;
  /** Clock ticks after the boot. */
  readonly startTime: number;
  /** The steps by which it was started. */
  readonly started: readonly DecodedStep[];
  /** Every cgroup that it is in. */
  readonly cgroups: readonly HostPath[];
  /** Of {@link cgroups}: version 2 has one, for all controllers. */
  readonly cgroupVersion: 1 | 2;
}

/** open(2). */
const O_WRONLY = 1;
const ROOT: Slot = 'root';
const CGROUP_NAMESPACE: Slot = 'cgroup-namespace';

/**
 * From the keyring to the exec every step that confined PID 1 is taken over as it ran, in its order; those in here are not: what is
 * made once for a container, and what the supervisor of its start waited for.
 */
const ONCE: ReadonlySet<OpName> = new Set<OpName>(['remount', 'report', 'await']);

/**
 * THE ORDER of a further command. Compiles the container's config, its `process` being what is to run, to the plan that enters it;
 * pure. How the command is confined is not in the config's hands: that is as `started` says, so that it cannot be less than PID 1 is.
 * @throws TypeError for a start that has not every step that confines.
 */
export function compileExec(config: Config, target: ExecTarget): Plan {
  const cgroup = joinCgroups(config, target);
  const namespaces = config.linux.namespaces.map(({ type }) => type);
  return {
    steps: [
      ...openPipes(config, { streams: 0 }),
      step('stage', 'monitor', {}, { chapter: 'prepare', why: 'a helper process that can change its namespaces' }),
      // What is opened by a path of the host, before there are none; then who has the number is made sure of, and so whose they are.
      ...cgroup.open,
      ...target.started.filter(({ op }) => op === 'oom-score').map((done) => again(done)),
      ...enter(target, namespaces),
      ...(hasUserNamespace(config)
        ? [step('ids-root', 'stage', {}, { chapter: 'namespaces', why: 'root of the container, or it would be nobody' })]
        : []),
      step(
        'clone',
        'stage',
        { pidfd: 'init', cgroup: cgroup.cloneInto, namespaces: 0 },
        { chapter: 'namespaces', why: 'only a child is in the pid namespace' },
      ),
      dieWithParent('namespaces', 'if the monitor dies, so does the command'),
      // In the cgroup before anything that allocates; then its namespace, from which nothing outside of it could be joined.
      ...cgroup.join,
      ...(namespaces.includes('cgroup')
        ? [
            step(
              'enter',
              'init',
              { target: CGROUP_NAMESPACE, namespaces: CLONE_FLAGS.cgroup },
              { chapter: 'cgroup', why: 'it sees its own cgroup as the root' },
            ),
          ]
        : []),
      step('stdio', 'init', { root: ROOT }, { chapter: 'devices', why: "not the host's /dev/null" }),
      ...findUser(config),
      ...openConsole(config, { bind: 0 }),
      ...confineAgain(config, target.started),
    ],
  };
}

function enter({ pid, startTime }: ExecTarget, types: readonly NamespaceType[]): Step[] {
  const namespaces = types.filter((type) => type !== 'cgroup').reduce((all, type) => (all | CLONE_FLAGS[type]) >>> 0, 0);
  const slots = { pidfd: 'target', ...(types.includes('cgroup') ? { cgroup: CGROUP_NAMESPACE } : {}) };
  return [
    step('target', 'stage', { ...slots, pid, start: startTime }, { chapter: 'namespaces', why: 'the container, and no other process' }),
    step('enter', 'stage', { target: 'target', root: ROOT, namespaces }, { chapter: 'namespaces', why: "the container's own" }),
  ];
}

interface CgroupSteps {
  readonly open: readonly Step[];
  readonly cloneInto: Slot | undefined;
  readonly join: readonly Step[];
}

/** As the drivers do it for PID 1 (cgroup/v1.ts, cgroup/v2.ts): by a write, or, where the kernel lets it, by birth. */
function joinCgroups(config: Config, { cgroups, cgroupVersion }: ExecTarget): CgroupSteps {
  const note = { chapter: 'cgroup' as const, why: 'the way into the cgroup' };
  const slots = cgroups.map((path, at) => ({ path, slot: `cgroup-${at}` }));
  if (cgroupVersion === 2 && !hasUserNamespace(config)) {
    const open = slots.map(({ path, slot }) => step('open', 'stage', { fd: slot, path, flags: O_PATH }, note));
    return { open, cloneInto: slots[0]?.slot, join: [] };
  }
  const file = cgroupVersion === 2 ? 'cgroup.procs' : 'tasks';
  const open = slots.map(({ path, slot }) =>
    step('open', 'stage', { fd: slot, path: toHostPath(`${path}/${file}`), flags: O_WRONLY }, note),
  );
  const join = slots.map(({ slot }) => step('cgroup-join', 'init', { tasks: slot }, { chapter: 'cgroup', why: 'enter the cgroup' }));
  return { open, cloneInto: undefined, join };
}

/** What every start has, and a plan that is whole too. */
const CONFINING: readonly OpName[] = ['keyring', 'cwd', 'umask', 'signals', 'bounding', 'identity', 'caps', 'close-fds', 'exec'];

function confineAgain(config: Config, started: readonly DecodedStep[]): Step[] {
  const required: readonly OpName[] = config.process.noNewPrivileges ? [...CONFINING, 'no-new-privs'] : CONFINING;
  const missing = required.find((op) => !started.some((done) => done.op === op));
  if (missing !== undefined) throw new TypeError(`the start has no step ${missing}`);
  const { args: argv, env, cwd } = config.process;
  const note = { chapter: 'process' as const };
  return started.slice(started.findIndex(({ op }) => op === 'keyring')).flatMap((done): Step[] => {
    if (ONCE.has(done.op)) return [];
    if (done.op === 'cwd') {
      const operands = { root: ROOT, directory: toContainerPath(cwd) };
      return [step('cwd', 'init', operands, { ...note, why: 'where the command starts' })];
    }
    if (done.op === 'exec') {
      const operands = { candidates: commandCandidates(config), argv, env, reaper: 0 };
      return [step('exec', 'init', operands, { ...note, why: 'the command' })];
    }
    return [again(done)];
  });
}

/** A step as it ran. The slots that are left to it by now are the root's, and what it fills itself. */
function again({ op, actor, flags, operands }: DecodedStep): Step {
  const entries = operandsOf(op).flatMap(({ kind, name }) => {
    const value = operands[name];
    if (value === undefined) return [];
    return [[name, kind === 'in' || kind === 'out' ? name : value] as const];
  });
  const values = Object.fromEntries(entries) as unknown as Operands<OpName>;
  return step(op, actor, values, { chapter: 'process', why: 'as for PID 1', flags });
}
