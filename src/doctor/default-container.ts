import type { ContainerCgroup } from '../cgroup/container.js';
import { openCgroup } from '../cgroup/open.js';
import { effectiveRules } from '../device-filter/rules.js';
import { chooseIds } from '../ids.js';
import type { RunOptions } from '../options.js';
import type { Layout } from '../plan/layout.js';
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

/** A folder of every machine. What a probe mounts there is seen by nobody else. */
const STAGING = toHostPath('/run');

/**
 * Decides, and makes nothing.
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
  const layout = {
    staging: STAGING,
    root: { kind: 'memory' as const, lower, size: undefined },
    probeRoot: lower,
    cgroup: openCgroup(facts.cgroup, options.name, { devices: effectiveRules(config.linux) }),
    files: [],
    onOrphan: { argv: [], env: [] },
    filter: undefined,
    listener: undefined,
    holdBeforeExec: false,
    reaper: false,
  };
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
