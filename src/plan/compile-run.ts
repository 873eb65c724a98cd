import type { Config, Mount } from '../spec/types.js';
import { makeDevices, stageDev } from './devices.js';
import type { Layout } from './layout.js';
import { maskAll, stageMasks } from './masks.js';
import { isBind, mountAll, stageBinds } from './mounts.js';
import { bearInit, enterCgroup, furnish, makeNamespaces } from './namespaces.js';
import {
  answerMounts,
  closeDescriptors,
  commandCandidates,
  dropRights,
  execCommand,
  filterCalls,
  findUser,
  setOomScore,
  settleProcess,
  tuneProc,
} from './process.js';
import { findCommand, lockRoot, openRoot, pivot, stageRoot } from './rootfs.js';
import { type Plan, type Step, step } from './step.js';
import { hasUserNamespace, joinUserNamespace } from './user.js';

/** The reasons that a `report` gives: the supervisor knows by them what it is asked for. */
export const CHECKED = 'checked';
export const READY = 'ready';

/**
 * THE ORDER. Compiles a config to the linear plan of one start; pure. Each adjacency has its reason beside it, and each law of
 * docs/plan.md is a test over compiled plans.
 * @throws TypeError for a path that is not absolute: validate the config first.
 */
export function compileRun(config: Config, layout: Layout): Plan {
  const cgroup = layout.cgroup.open({ bornInside: !hasUserNamespace(config) });
  return {
    steps: [
      // First of all: from here on a dead supervisor is cleaned up after.
      step('on-orphan', 'monitor', layout.onOrphan, { chapter: 'prepare', why: 'runs if crt itself is killed' }),
      ...openPipes(config, layout),
      step('stage', 'monitor', {}, { chapter: 'prepare', why: 'a helper process with a mount namespace of its own' }),
      // Nothing on the host is touched before the supervisor has judged what was found.
      ...findCommand(layout, visibleCandidates(config, layout)),
      step('report', 'monitor', { reason: CHECKED }, { chapter: 'prepare', why: 'crt judges, then makes state folder, layer and cgroup' }),
      // Beside that: namespaces are nobody else's, and cost the most. The user namespace also before the first mount whose ids it maps.
      ...makeNamespaces(config),
      step('await', 'monitor', {}, { chapter: 'prepare', why: 'until crt has made folder and layer' }),
      // Once the folders are there, and before there is anything to log.
      ...keepContact(layout),
      // Host-side opens come before the last clone: init never sees a host path again, but for the staging area.
      ...stageRoot(layout, config),
      ...stageBinds(config, layout),
      ...stageMasks(config, layout),
      ...stageDev(config, layout),
      step('await', 'monitor', {}, { chapter: 'cgroup', why: 'until crt has made it' }),
      ...cgroup.steps,
      ...setOomScore(config),
      // The ids of layers and binds are mapped; nothing that needs the host's rights comes after, and ids 0 before the clone.
      ...joinUserNamespace(config),
      ...bearInit(config, cgroup.cloneInto),
      // In the cgroup before anything that allocates.
      ...enterCgroup(config, layout),
      ...furnish(config),
      // Opened before the first path inside is.
      ...openRoot(layout),
      ...mountAll(config, layout),
      // On the container's own /dev, once it is mounted.
      ...makeDevices(config),
      // The user before the console, which gets its owner by it; setsid(2) too: only a session leader can take a terminal.
      ...findUser(config),
      ...openConsole(config, { bind: 1 }),
      // Written while /proc is still open for it.
      ...tuneProc(config),
      // After all mounts, or one of them would uncover what a mask covers.
      ...maskAll(config, layout),
      ...pivot(layout),
      ...settleProcess(config),
      // After `cwd`, which may have to make its folder.
      ...lockRoot(config),
      ...dropRights(config),
      // Needs no_new_privs, and sends a descriptor, which the filter may forbid.
      ...answerMounts(config, layout),
      ...closeDescriptors(),
      ...filterCalls(config, layout),
      ...holdBeforeExec(layout),
      ...execCommand(config, layout),
    ],
  };
}

/** A terminal is relayed instead. */
export function openPipes(config: Config, { streams }: Pick<Layout, 'streams'>): Step[] {
  if (config.process.terminal) return [];
  return [step('pipes', 'monitor', { streams }, { chapter: 'prepare', why: 'so that the command can open /dev/stdout' })];
}

function keepContact({ control, log }: Layout): Step[] {
  return [
    step('control', 'monitor', control, { chapter: 'prepare', why: 'a socket for crt stop, kill, wait and attach' }),
    ...(log ? [step('log', 'monitor', log, { chapter: 'prepare', why: 'where the output goes' })] : []),
  ];
}

function holdBeforeExec(layout: Layout): Step[] {
  if (!layout.holdBeforeExec) return [];
  return [
    step('report', 'monitor', { reason: READY }, { chapter: 'process', why: 'crt shows what was done' }),
    step('await', 'monitor', {}, { chapter: 'process', why: 'until it has' }),
  ];
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

/** @param bind 1: it is PID 1's own, /dev/console. */
export function openConsole(config: Config, { bind }: { bind: 0 | 1 }): Step[] {
  if (!config.process.terminal) return [];
  const { height: rows, width: columns } = config.process.consoleSize ?? { height: 24, width: 80 };
  return [
    step('console', 'init', { root: 'root', rows, columns, bind }, { chapter: 'console', why: "a terminal in the container's own devpts" }),
    step('relay', 'monitor', { master: 'master' }, { chapter: 'console', why: "bytes both ways between it and the caller's terminal" }),
  ];
}
