import type { Config, Mount, NamespaceType } from '../spec/types.js';
import { makeDevices } from './devices.js';
import type { Layout } from './layout.js';
import { maskAll, stageMasks } from './masks.js';
import { isBind, mountAll, stageBinds } from './mounts.js';
import { CLONE_FLAGS, MOUNT_ATTRS } from './numbers.js';
import { commandCandidates, dieWithParent, dropRights, execCommand, findUser, settleProcess, tuneProc } from './process.js';
import { findCommand, staged, stageRoot } from './rootfs.js';
import { type Plan, type Step, step, toContainerPath } from './step.js';

/** The reasons that a `yield` gives: the supervisor knows by them what it is asked for. */
export const CHECKED = 'checked';
export const READY = 'ready';

/**
 * THE ORDER. Compiles a config to the linear plan of one start; pure. Each adjacency has its reason beside it, and each law of
 * docs/plan.md is a test over compiled plans.
 * @throws TypeError for a path that is not absolute: validate the config first.
 */
export function compileRun(config: Config, layout: Layout): Plan {
  const has = (type: NamespaceType): boolean => config.linux.namespaces.some((namespace) => namespace.type === type);
  const cgroup = layout.cgroup.open();
  return {
    steps: [
      // First of all: from here on a dead supervisor is cleaned up after.
      step('on-orphan', 'monitor', layout.onOrphan, { chapter: 'prepare', why: 'runs if crt itself is killed' }),
      step('stage', 'monitor', {}, { chapter: 'prepare', why: 'a helper process with a mount namespace of its own' }),
      // Nothing on the host is touched before the supervisor has judged what was found.
      ...findCommand(layout, visibleCandidates(config, layout)),
      step('yield', 'monitor', { reason: CHECKED }, { chapter: 'prepare', why: 'crt judges, then makes state folder, cgroup and layer' }),
      // Host-side opens come before the last clone: init never sees a host path again, but for the staging area.
      ...stageRoot(layout, config),
      ...stageBinds(config, layout),
      ...stageMasks(config, layout),
      ...cgroup.steps,
      // A user namespace goes here: ids of layers and binds mapped before, joined after, ids 0 before the clone.
      step(
        'clone',
        'stage',
        { pidfd: 'init', cgroup: cgroup.cloneInto, namespaces: cloneFlags(config) },
        { chapter: 'namespaces', why: 'init is born: PID 1 in namespaces of its own' },
      ),
      dieWithParent('namespaces', 'if the monitor dies, so does all this'),
      // In the cgroup before anything that allocates, and before the cgroup namespace, whose root is where init is then.
      ...layout.cgroup.join(),
      ...(has('cgroup')
        ? [
            step(
              'unshare',
              'init',
              { namespaces: CLONE_FLAGS.cgroup },
              { chapter: 'cgroup', why: 'its own cgroup is the root that it sees' },
            ),
          ]
        : []),
      ...(has('network') ? [step('loopback', 'init', {}, { chapter: 'namespaces', why: 'the only network inside: 127.0.0.1' })] : []),
      ...(config.hostname !== undefined
        ? [step('hostname', 'init', { name: config.hostname }, { chapter: 'namespaces', why: 'its own name' })]
        : []),
      ...(config.domainname !== undefined
        ? [step('domainname', 'init', { name: config.domainname }, { chapter: 'namespaces', why: 'its own domain' })]
        : []),
      step(
        'root',
        'init',
        { root: 'root', path: staged(layout, 'root') },
        { chapter: 'mounts', why: 'every path from here on is looked up below this' },
      ),
      ...mountAll(config, layout),
      // On the container's own /dev, once it is mounted.
      ...makeDevices(config),
      ...findUser(config),
      // setsid(2) before: only a session leader without a terminal can take one.
      ...openConsole(config),
      // Written while /proc is still open for it.
      ...tuneProc(config),
      // After all mounts, or one of them would uncover what a mask covers.
      ...maskAll(config, layout),
      step('pivot', 'init', { root: 'root' }, { chapter: 'rootfs', why: 'the host is gone from here on' }),
      ...layout.cgroup.seal(),
      ...settleProcess(config),
      // After `cwd`, which may have to make its folder.
      ...(config.root.readonly
        ? [
            step(
              'remount',
              'init',
              { target: toContainerPath('/'), attrs: MOUNT_ATTRS.ro ?? 1 },
              { chapter: 'rootfs', why: 'the root, read-only' },
            ),
          ]
        : []),
      ...dropRights(config),
      // The system call filter goes here: after everything that it may forbid.
      ...(layout.holdBeforeExec
        ? [step('yield', 'monitor', { reason: READY }, { chapter: 'process', why: 'crt shows what was done' })]
        : []),
      ...execCommand(config, layout),
    ],
  };
}

/** The namespaces that clone3(2) makes: all but the cgroup's, which is unshared once init is in its cgroup. */
function cloneFlags(config: Config): number {
  const types = config.linux.namespaces.map((namespace) => namespace.type).filter((type) => type !== 'cgroup');
  // Unsigned: CLONE_NEWNET alone would be negative with others or'ed to it.
  return types.reduce((flags, type) => (flags | CLONE_FLAGS[type]) >>> 0, 0);
}

/** Candidates that can be looked for in the bare rootfs; none where a mount could hold the command. */
function visibleCandidates(config: Config, layout: Layout): readonly string[] {
  const candidates = commandCandidates(config);
  const prefix = layout.probeRoot === '/' ? '' : layout.probeRoot;
  // A bind of what the probe sees at the same place hides nothing from it: /usr of the `host` rootfs.
  const hides = (mount: Mount): boolean => (isBind(mount) || mount.type === 'tmpfs') && mount.source !== prefix + mount.destination;
  const covers = config.mounts.filter(hides).map((mount) => `${mount.destination}/`);
  return candidates.some((path) => covers.some((cover) => `${path}/`.startsWith(cover))) ? [] : candidates;
}

function openConsole(config: Config): Step[] {
  if (!config.process.terminal) return [];
  const { height: rows, width: columns } = config.process.consoleSize ?? { height: 24, width: 80 };
  return [
    step('console', 'init', { root: 'root', rows, columns }, { chapter: 'console', why: "a terminal in the container's own devpts" }),
    step('relay', 'monitor', { master: 'master' }, { chapter: 'console', why: "bytes both ways between it and the caller's terminal" }),
  ];
}
