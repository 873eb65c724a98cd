import { capabilityMask } from '../spec/capabilities.js';
import { rlimitNumber } from '../spec/rlimits.js';
import { SECCOMP_FLAGS } from '../spec/seccomp-flags.js';
import type { Config } from '../spec/types.js';
import type { Layout } from './layout.js';
import { SIGKILL } from './numbers.js';
import { type Chapter, type Step, step, toContainerPath } from './step.js';

const process = { chapter: 'process' as const };

/** The programs that `exec` tries in turn: PATH walked by the compiler, execvp(3) without a look at the rootfs. */
export function commandCandidates(config: Config): string[] {
  const [command] = config.process.args;
  if (command === undefined) return ['/bin/bash', '/bin/sh'];
  if (command.includes('/')) return [absolute(command, config.process.cwd)];
  const path =
    config.process.env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ||
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return path.split(':').map((directory) => absolute(`${directory || '.'}/${command}`, config.process.cwd));
}

function absolute(path: string, cwd: string): string {
  return path.startsWith('/') ? path : `${cwd === '/' ? '' : cwd}/${path}`;
}

/** Ends with its parent: the first thing that init does, and again after the change of ids, which clears it (prctl(2)). */
export function dieWithParent(chapter: Chapter, why: string): Step {
  return step('parent-death', 'init', { signal: SIGKILL }, { chapter, why });
}

/** The session, and who the command is, which names the owner of its terminal. */
export function findUser(config: Config): Step[] {
  const { user } = config.process;
  const spec = user.username ?? `${user.uid}:${user.gid}`;
  const groups = (user.additionalGids ?? []).map(String);
  return [
    step('session', 'init', {}, { ...process, why: "out of the caller's session" }),
    step('user', 'init', { root: 'root', spec, groups }, { ...process, why: "looked up in the container's own /etc/passwd" }),
  ];
}

/** Settings that are written to the container's procfs, before that is masked. */
export function tuneProc(config: Config): Step[] {
  return Object.entries(config.linux.sysctl ?? {}).map(([key, value]) =>
    step('sysctl', 'init', { root: 'root', key: key.replaceAll('.', '/'), value }, { ...process, why: 'a knob of its own namespaces' }),
  );
}

/** Inherited by init, whose own file of procfs it could not write in a user namespace. */
export function setOomScore(config: Config): Step[] {
  const score = config.process.oomScoreAdj;
  if (score === undefined) return [];
  return [step('oom-score', 'stage', { value: score }, { ...process, why: 'how soon the kernel picks it when memory is short' })];
}

/** Keyring, limits and folder: what still needs the rights that go next. */
export function settleProcess(config: Config): Step[] {
  const limits = (config.process.rlimits ?? []).map(({ type, soft, hard }) =>
    step('rlimit', 'monitor', { resource: resourceOf(type), soft, hard }, { ...process, why: type }),
  );
  return [
    step('keyring', 'init', { name: 'crt' }, { ...process, why: "not the caller's session keyring" }),
    // Before the limits: it opens a file.
    step(
      'cwd',
      'init',
      { root: 'root', directory: toContainerPath(config.process.cwd) },
      { ...process, why: 'where the command starts', flags: ['mkdir'] },
    ),
    ...limits,
  ];
}

function resourceOf(type: string): number {
  const resource = rlimitNumber(type);
  if (resource === undefined) throw new TypeError(`unknown resource limit: ${type}`);
  return resource;
}

/**
 * From root of the host to the command's own rights. Bounding set before the ids, capabilities after them; without no_new_privs
 * those come with the filter.
 */
export function dropRights(config: Config): Step[] {
  const capabilities = config.process.capabilities ?? {};
  const confined = config.process.noNewPrivileges ?? false;
  return [
    step('umask', 'init', { mask: config.process.user.umask ?? 0o022 }, { ...process, why: 'from here on new files are 0644' }),
    step('signals', 'init', {}, { ...process, why: 'all 64 to their defaults, none blocked' }),
    step(
      'bounding',
      'init',
      { capabilities: capabilityMask(capabilities.bounding ?? []) },
      { ...process, why: 'what no program inside can ever gain' },
    ),
    step('identity', 'init', {}, { ...process, why: 'groups, then group, then user' }),
    dieWithParent('process', 'again: the change of ids cleared it'),
    ...(confined ? [finalCapabilities(config), step('no-new-privs', 'init', {}, { ...process, why: 'setuid files give nothing' })] : []),
  ];
}

/**
 * mount(2) inside is answered by the monitor, where no program can have the capability for it. Before the filter proper, which need
 * not allow what this takes; that one has to allow mount(2), or its refusal counts.
 */
export function answerMounts(config: Config, layout: Layout): Step[] {
  const { noNewPrivileges, capabilities } = config.process;
  if (layout.listener === undefined || !noNewPrivileges || capabilities?.bounding?.includes('CAP_SYS_ADMIN')) return [];
  return [
    step(
      'listener',
      'init',
      { filter: layout.listener, flags: flagsBeside(layout) },
      { ...process, why: 'mount(2) inside asks the monitor' },
    ),
    step('answer', 'monitor', { listener: 'listener' }, { ...process, why: '/proc is there already: who mounts it again hears yes' }),
  ];
}

/**
 * The labels of an LSM and the filter, after everything that they may forbid. Without no_new_privs the kernel takes a filter from
 * CAP_SYS_ADMIN alone (seccomp(2)): then it is loaded before that goes, and has to let the last steps of crt pass.
 */
export function filterCalls(config: Config, layout: Layout): Step[] {
  const confined = config.process.noNewPrivileges ?? false;
  const load = (filter: Uint8Array | undefined, flags: number, why: string): Step[] =>
    filter === undefined ? [] : [step('seccomp', 'init', { filter, flags }, { ...process, why })];
  const filter = [
    ...load(layout.guard, flagsBeside(layout), 'no setuid file in a folder of the host'),
    ...load(layout.filter, layout.filterFlags ?? 0, 'only the system calls that programs need'),
  ];
  const early = !confined && filter.length > 0;
  return [
    ...(early ? [filterCapabilities(config)] : []),
    ...labelExec(config, layout),
    ...filter,
    ...(confined ? [] : [finalCapabilities(config)]),
  ];
}

/** Of the filters beside the one that the flags are for: one without SPEC_ALLOW would forbid what that allows. */
function flagsBeside({ filterFlags = 0 }: Layout): number {
  return filterFlags & SECCOMP_FLAGS.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
}

function finalCapabilities(config: Config): Step {
  const { permitted = [], inheritable = [], ambient = [] } = config.process.capabilities ?? {};
  const sets = { permitted: capabilityMask(permitted), inheritable: capabilityMask(inheritable), ambient: capabilityMask(ambient) };
  return step('caps', 'init', sets, { ...process, why: 'what is left of root' });
}

/** The final set and what loading a filter takes: the change of ids has made the effective set of another user than root empty. */
function filterCapabilities(config: Config): Step {
  const permitted = capabilityMask([...(config.process.capabilities?.permitted ?? []), 'CAP_SYS_ADMIN']);
  const why = 'for the filter only: without no_new_privs it takes CAP_SYS_ADMIN';
  return step('caps', 'init', { permitted, inheritable: 0, ambient: 0 }, { ...process, why });
}

/** AppArmor wants a verb before the name (apparmor(7)), SELinux the bare context (selinux(8)). */
function labelExec(config: Config, layout: Layout): Step[] {
  const { apparmorProfile, selinuxLabel } = config.process;
  const shared = '/proc/self/attr/exec';
  const label = (file: string, text: string, why: string): Step =>
    step('exec-label', 'init', { root: 'root', file, label: text }, { ...process, why });
  return [
    ...(apparmorProfile ? [label(layout.apparmorFile ?? shared, `exec ${apparmorProfile}`, "AppArmor's profile for the command")] : []),
    ...(selinuxLabel ? [label(shared, selinuxLabel, "SELinux' context for the command")] : []),
  ];
}

/** Nothing of the host stays open: all that is opened after it closes itself at the exec. Before the filter, which may forbid it. */
export function closeDescriptors(): Step[] {
  return [step('close-fds', 'init', {}, { ...process, why: 'nothing that was left open gets in' })];
}

/** The last: the command takes over. */
export function execCommand(config: Config, layout: Layout): Step[] {
  const { args, env } = config.process;
  const argv = args.length > 0 ? args : [''];
  return [
    step(
      'exec',
      'init',
      { candidates: commandCandidates(config), argv, env, reaper: layout.reaper ? 1 : 0 },
      { ...process, why: layout.reaper ? 'the command, with a reaper as PID 1' : 'the command becomes PID 1' },
    ),
  ];
}
