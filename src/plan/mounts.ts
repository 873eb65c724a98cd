import type { Config, Mount } from '../spec/types.js';
import { isStagedDev } from './devices.js';
import type { Layout, ProvidedFile } from './layout.js';
import { MOUNT_ATTRS, SILENT_OPTIONS } from './numbers.js';
import { staged } from './rootfs.js';
import { type Step, step, toContainerPath, toHostPath } from './step.js';
import { hasUserNamespace, ownedBy, USERNS } from './user.js';

/** A mount's options, told apart: attributes of the mount point, and options of the file system. */
export function splitOptions(options: readonly string[]): { attrs: number; data: string[] } {
  let attrs = 0;
  const data: string[] = [];
  for (const option of options) {
    const bit = MOUNT_ATTRS[option] ?? MOUNT_ATTRS[option.replace(/^r(?=ro$|nosuid$|nodev$|noexec$)/, '')];
    if (bit !== undefined) attrs |= bit;
    else if (!SILENT_OPTIONS.has(option)) data.push(option);
  }
  return { attrs, data };
}

export function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => option === 'bind' || option === 'rbind');
}

/** config.md, "Linux mount options": the container's own mapping, recursively in either case, as its mounts are. */
function isMapped(mount: Mount): boolean {
  return (mount.options ?? []).some((option) => option === 'idmap' || option === 'ridmap');
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/** The texts that crt provides and that no mount of the config covers. */
function wantedFiles(config: Config, layout: Layout): readonly ProvidedFile[] {
  const own = config.mounts.filter((mount) => isBind(mount) || mount.type === 'tmpfs').map((mount) => mount.destination);
  return layout.files.filter((file) => !own.some((destination) => isBelow(file.target, destination)));
}

/** Sources of all binds, copied into the staging area with their restrictions, so that a user namespace locks those later. */
export function stageBinds(config: Config, layout: Layout): Step[] {
  const binds = config.mounts.flatMap((mount, index) => {
    if (!isBind(mount) || mount.source === undefined) return [];
    const { attrs } = splitOptions(mount.options ?? []);
    const idmap = hasUserNamespace(config) && isMapped(mount) ? USERNS : undefined;
    const operands = { idmap, source: toHostPath(mount.source), target: staged(layout, `bind-${index}`), attrs };
    return [step('bind-source', 'stage', operands, { chapter: 'mounts', why: `what ${mount.destination} will show` })];
  });
  const files = wantedFiles(config, layout).map((file, index) =>
    step(
      'file',
      'stage',
      { target: staged(layout, `file-${index}`), content: Buffer.from(file.content), mode: 0o644, ...ownedBy(config) },
      { chapter: 'mounts', why: `what ${file.target} will say` },
    ),
  );
  return [...binds, ...files];
}

/**
 * The provided files, then all mounts inside in the config's order: so a link of the image cannot lead our files into a folder
 * that the user mounted.
 */
export function mountAll(config: Config, layout: Layout): Step[] {
  const mounts = config.mounts.flatMap((mount, index) => (isStagedDev(config, mount) ? [bindDev(layout)] : mountOne(mount, index, layout)));
  // In a writable rootfs a missing file is not made: it would stay behind.
  const flags = [layout.root.kind === 'directory' ? ('optional' as const) : ('mkfile' as const)];
  const files = wantedFiles(config, layout).map((file, index) =>
    step(
      'bind',
      'init',
      {
        root: 'root',
        source: staged(layout, `file-${index}`),
        target: file.target,
        attrs: config.root.readonly ? (MOUNT_ATTRS.ro ?? 1) : 0,
      },
      { chapter: 'mounts', why: 'provided by crt, nothing written to the rootfs', flags },
    ),
  );
  return [...files, ...mounts];
}

/** With its nodes in it: see {@link stageDev}. */
function bindDev(layout: Layout): Step {
  const operands = { root: 'root', source: staged(layout, 'dev'), target: toContainerPath('/dev'), attrs: 0 };
  return step('bind', 'init', operands, { chapter: 'mounts', why: 'devices of its own', flags: ['mkdir'] });
}

function mountOne(mount: Mount, index: number, layout: Layout): readonly Step[] {
  const target = toContainerPath(mount.destination);
  if (isBind(mount)) {
    const source = staged(layout, `bind-${index}`);
    const flags = ['mkdir', 'mkfile'] as const;
    return [
      step(
        'bind',
        'init',
        { root: 'root', source, target, attrs: 0 },
        { chapter: 'mounts', why: `from the host: ${mount.source ?? ''}`, flags },
      ),
    ];
  }
  if (mount.type === 'cgroup') return layout.cgroup.mounts('root');
  const { attrs, data } = splitOptions(mount.options ?? []);
  const operands = {
    root: 'root',
    type: mount.type ?? 'none',
    source: mount.source ?? mount.type ?? 'none',
    target,
    options: data,
    attrs,
    mode: 0,
  };
  return [
    step('mount', 'init', operands, {
      chapter: 'mounts',
      why: REASONS[mount.type ?? ''] ?? `a ${mount.type ?? ''} of its own`,
      flags: ['mkdir'],
    }),
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  proc: 'shows the processes of this pid namespace only',
  sysfs: 'the devices and buses, read-only',
  tmpfs: 'a fresh file system in memory',
  devpts: 'terminals of its own',
  mqueue: 'message queues of this ipc namespace',
};
