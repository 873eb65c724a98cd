import type { Config } from '../spec/types.js';
import type { Layout } from './layout.js';
import { MOUNT_ATTRS, MS_SLAVE, O_PATH } from './numbers.js';
import { type HostPath, type Step, step, toContainerPath, toHostPath } from './step.js';
import { hasUserNamespace, ownedBy, ownerOptions, USERNS } from './user.js';

const NODEV = MOUNT_ATTRS.nodev ?? 0;
const READ_ONLY = MOUNT_ATTRS.ro ?? 0;

/** A place in the staging area. */
export function staged(layout: Layout, name: string): HostPath {
  return toHostPath(`${layout.staging}/${name}`);
}

/** Opens the rootfs and looks for the command in it, before anything on the host is touched. */
export function findCommand(layout: Layout, candidates: readonly string[]): Step[] {
  const note = { chapter: 'prepare' as const };
  return [
    step('propagation', 'stage', { mode: MS_SLAVE }, { ...note, why: 'no mount made here reaches the host' }),
    step('open', 'stage', { fd: 'probe', path: layout.probeRoot, flags: O_PATH }, { ...note, why: 'where the command must be' }),
    step('probe', 'stage', { root: 'probe', candidates }, { ...note, why: 'is the command there, and for this machine' }),
  ];
}

/** The staging area and, in it, the root file system. */
export function stageRoot(layout: Layout, config: Config): Step[] {
  const options = ['size=4m', 'nr_inodes=4k', 'mode=700', ...ownerOptions(config)];
  return [
    step('staging', 'stage', { target: layout.staging, options }, { chapter: 'rootfs', why: 'a private place to put mounts together' }),
    ...rootSteps(layout, config),
  ];
}

function rootSteps(layout: Layout, config: Config): Step[] {
  const { root } = layout;
  const target = staged(layout, 'root');
  // No device node of an image works: /dev is the container's own.
  const attrs = NODEV;
  const open = (fd: string, path: HostPath, why: string, flags: readonly 'mkdir'[] = []): Step =>
    step('open', 'stage', { fd, path, flags: O_PATH, ...(flags.length > 0 ? ownedBy(config) : {}) }, { chapter: 'rootfs', why, flags });
  const idmap = hasUserNamespace(config) ? USERNS : undefined;
  if (root.kind === 'directory') {
    const why = config.root.readonly ? 'the rootfs directory itself' : 'the rootfs directory itself, writable';
    return [step('bind-source', 'stage', { idmap, source: root.directory, target, attrs }, { chapter: 'rootfs', why })];
  }
  const below = (lower: HostPath): Step[] => {
    const why = 'the rootfs, never written';
    if (idmap === undefined) return [open('lower', lower, why)];
    const mapped = staged(layout, 'lower');
    return [
      step(
        'bind-source',
        'stage',
        { idmap, source: lower, target: mapped, attrs: attrs | READ_ONLY },
        { chapter: 'rootfs', why: 'the rootfs, its files owned as on the host' },
      ),
      open('lower', mapped, why),
    ];
  };
  const overlay = (options: readonly string[]): Step =>
    step(
      'overlay',
      'stage',
      { lower: 'lower', upper: 'upper', work: 'work', target, options, attrs },
      { chapter: 'rootfs', why: 'the rootfs below, a writable layer above' },
    );
  if (root.kind === 'layer') {
    return [
      ...below(root.lower),
      open('upper', root.upper, "the container's own layer"),
      open('work', root.work, "overlay's work folder"),
      // No fsync for a layer that goes with the container.
      overlay(root.discard ? ['volatile'] : []),
    ];
  }
  const memory = staged(layout, 'layer');
  const size = root.size === undefined ? [] : [`size=${root.size}`];
  return [
    ...below(root.lower),
    step(
      'staging',
      'stage',
      { target: memory, options: ['mode=700', ...ownerOptions(config), ...size] },
      { chapter: 'rootfs', why: 'the writable layer, in memory', flags: ['mkdir'] },
    ),
    open('upper', toHostPath(`${memory}/upper`), "the container's own layer", ['mkdir']),
    open('work', toHostPath(`${memory}/work`), "overlay's work folder", ['mkdir']),
    overlay(['volatile']),
  ];
}

/** Every path inside is looked up below this. */
export function openRoot(layout: Layout): Step[] {
  const why = 'every path from here on is looked up below this';
  return [step('root', 'init', { root: 'root', path: staged(layout, 'root') }, { chapter: 'mounts', why })];
}

/** The root becomes /; then no file may be added among the cgroups any more. */
export function pivot(layout: Layout): Step[] {
  return [step('pivot', 'init', { root: 'root' }, { chapter: 'rootfs', why: 'the host is gone from here on' }), ...layout.cgroup.seal()];
}

/** `--read-only` */
export function lockRoot(config: Config): Step[] {
  if (!config.root.readonly) return [];
  const operands = { target: toContainerPath('/'), attrs: MOUNT_ATTRS.ro ?? 1 };
  return [step('remount', 'init', operands, { chapter: 'rootfs', why: 'the root, read-only' })];
}
