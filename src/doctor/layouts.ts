import type { ContainerCgroup } from '../cgroup/container.js';
import { NoCgroup } from '../cgroup/none.js';
import { openCgroup } from '../cgroup/open.js';
import { effectiveRules } from '../device-filter/rules.js';
import { chooseIds } from '../ids.js';
import type { RunOptions } from '../options.js';
import type { Layout, RootSource } from '../plan/layout.js';
import { O_PATH } from '../plan/numbers.js';
import { staged } from '../plan/rootfs.js';
import { type HostPath, type Step, step, toHostPath } from '../plan/step.js';
import { ownedBy, ownerOptions } from '../plan/user.js';
import { toConfig } from '../spec/from-options.js';
import type { Config } from '../spec/types.js';
import type { Context } from './check.js';
import { note } from './probe-plan.js';

/** A container as `run` would start it here; the functions of src/plan make its steps. */
export interface DefaultContainer {
  readonly options: RunOptions;
  readonly config: Config;
  readonly layout: Layout & { readonly cgroup: ContainerCgroup };
}

/**
 * The layout of a start that makes nothing but its root. The staging area is mounted where surely no rootfs and no layer lies; in the
 * stage's own mount namespace, as always: nobody else sees it.
 */
export function rootLayout(root: RootSource): Layout {
  return {
    staging: toHostPath('/sys'),
    root,
    probeRoot: toHostPath('/'),
    cgroup: new NoCgroup({}),
    files: [],
    control: { directory: toHostPath('/'), start: 1, timeout: 0 },
    streams: 0,
    onOrphan: { argv: [], env: [] },
    filter: undefined,
    listener: undefined,
    holdBeforeExec: false,
    reaper: false,
  };
}

/**
 * Decides, and makes nothing. Its staging area hides no /sys, which the kernel has to see whole before it mounts another.
 * @param lower the lower layer of its root
 * @throws UserError when there are no user ids left
 */
export function defaultContainer(
  { facts, roots, name }: Context,
  { lower = toHostPath('/usr'), ...more }: Partial<RunOptions> & { lower?: HostPath } = {},
): DefaultContainer {
  const options: RunOptions = { name: name('probe'), ...more };
  const ids = options.userns === 'host' ? {} : { ids: chooseIds(roots) };
  const config = toConfig(options, { facts, rootfs: lower, rootfsKind: 'directory', ...ids });
  const cgroup = openCgroup(facts.cgroup, options.name, { devices: effectiveRules(config.linux) });
  const layout = { ...rootLayout({ kind: 'memory', lower, size: undefined }), staging: toHostPath('/run'), probeRoot: lower, cgroup };
  return { options, config, layout };
}

/** Its root, empty: for what is mounted inside. */
export function emptyRoot({ config, layout }: DefaultContainer): Step[] {
  const options = ['size=4m', 'mode=755', ...ownerOptions(config)];
  const root = { fd: 'empty-root', path: staged(layout, 'root'), flags: O_PATH, ...ownedBy(config) };
  return [step('staging', 'stage', { target: layout.staging, options }, note), step('open', 'stage', root, { ...note, flags: ['mkdir'] })];
}

/** The same container with some of its mounts. */
export function onlyMounts({ config, ...rest }: DefaultContainer, keep: (destination: string) => boolean): DefaultContainer {
  return { ...rest, config: { ...config, mounts: config.mounts.filter(({ destination }) => keep(destination)) } };
}

/** The same config with no namespace but the user's, whose steps then need no other. */
export function onlyUserNamespace(config: Config): Config {
  const { linux } = config;
  return { ...config, linux: { ...linux, namespaces: linux.namespaces.filter(({ type }) => type === 'user') } };
}
