import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerCgroup } from './cgroup/container.js';
import { refuseTaken } from './cgroup/directory.js';
import { openCgroup } from './cgroup/open.js';
import { checkConfinement, chooseFilter, chooseGuard, confinementNotices, type Filter, lookAtDevices } from './confinement.js';
import { effectiveRules } from './device-filter/rules.js';
import { UserError } from './errors.js';
import type { HostFacts } from './host/facts.js';
import { holdingMount } from './host/mounts.js';
import { probeHost } from './host/probe.js';
import { type HostRootfs, hostRootfs } from './host-rootfs.js';
import { checkMappable } from './idmap.js';
import { chooseIds } from './ids.js';
import { helperPath } from './launch/helper-path.js';
import { layerId } from './layer.js';
import type { MountOption, RunOptions } from './options.js';
import { compileRun } from './plan/compile-run.js';
import type { Layout, RootSource } from './plan/layout.js';
import { type HostPath, type Plan, toHostPath } from './plan/step.js';
import { providedFiles, readHostNames } from './provided-files.js';
import { chooseRootfs, type Rootfs } from './rootfs.js';
import { mountListener } from './seccomp/mount-listener.js';
import { checkOptions } from './spec/check-options.js';
import { toConfig } from './spec/from-options.js';
import { loosened } from './spec/loosened.js';
import { quote } from './spec/quote.js';
import type { Config } from './spec/types.js';
import { type Roots, stateRoots } from './state/roots.js';
import { read } from './state/store.js';

/** Everything that a start needs, decided. Nothing is made yet. */
export interface Prepared {
  readonly name: string;
  readonly facts: HostFacts;
  readonly roots: Roots;
  readonly helper: HostPath;
  readonly rootfs: Rootfs;
  /** Set for the `host` rootfs. */
  readonly host: HostRootfs | undefined;
  readonly config: Config;
  readonly cgroup: ContainerCgroup;
  /** The id of the writable layer, where it is on disk. */
  readonly layer: string | undefined;
  /** The first of the host's ids that stand for 0 to 65535 inside; undefined without a user namespace. */
  readonly ids: number | undefined;
  readonly plan: Plan;
  /** True where the root is an overlay with its upper layer in {@link layer}; a detached container has the folder for its log in any case. */
  readonly hasUpper: boolean;
  readonly life: Life;
  readonly notices: readonly string[];
  /** Each way in which the options are less strict than the defaults. */
  readonly loosened: readonly string[];
}

/** How a container is to live. */
export interface Life {
  /** Which start of it this is, from 1. */
  readonly start: number;
  /** Without its supervisor: its monitor keeps a log, and the time limit. */
  readonly detached: boolean;
  /** Its stdin stays open for whoever attaches. Else it is empty. */
  readonly stdin: boolean;
  /** Bytes of one log file, 0: no limit; and how many are kept. */
  readonly log: { readonly size: number; readonly files: number };
  /** Of an earlier start. */
  readonly layer?: string;
  readonly ids?: number;
}

const FOREGROUND: Life = { start: 1, detached: false, stdin: false, log: { size: 0, files: 1 } };

/** File systems that cannot be the upper layer of an overlay (overlayfs(5), "Upper and lower"). */
const NOT_ABOVE: ReadonlySet<string> = new Set([
  'overlay',
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  '9p',
  'vfat',
  'exfat',
  'fuse',
  'fuseblk',
  'virtiofs',
  'ecryptfs',
  'squashfs',
  'erofs',
]);
const OLDEST = { major: 5, minor: 12 };

/**
 * Decides how a container will be started here.
 * @throws UserError for options that are wrong and for what cannot work here; the host is untouched.
 */
export function prepare(given: RunOptions, env: NodeJS.ProcessEnv = process.env, life: Life = FOREGROUND): Prepared {
  // Before the host is looked at: a bad name is the first thing to hear of.
  const options = checkOptions(given);
  const facts = probeHost();
  checkHost(facts);
  checkSources(options.mounts ?? []);
  const roots = stateRoots(env);
  const rootfs = chooseRootfs(options.rootfs, env, { writable: options.writableRootfs ?? false, mounts: facts.mounts });
  const host = rootfs.kind === 'host' ? hostRootfs(roots) : undefined;
  const isolated = options.userns !== 'host' && !options.privileged;
  if (isolated)
    checkMappable(facts, [
      ['the rootfs ', rootfs.path],
      ...(options.mounts ?? []).flatMap(({ source, type }, at) =>
        source && type !== 'tmpfs' ? [[`mounts[${at}].source: `, source] as const] : [],
      ),
    ]);
  const ids = isolated ? (life.ids ?? chooseIds(roots)) : undefined;
  const config = toConfig(options, {
    facts,
    rootfs: rootfs.path,
    rootfsKind: rootfs.kind,
    ...(ids === undefined ? {} : { ids }),
    hostDevices: lookAtDevices(options.devices ?? []),
    ...(host ? { extraMounts: [...host.mounts] } : {}),
  });
  checkConfinement(config, facts);
  const cgroup = openCgroup(facts.cgroup, options.name, { ...config.linux.resources, devices: effectiveRules(config.linux) });
  cgroup.check();
  refuseTaken(cgroup.paths, options.name, () => read(roots, options.name) !== undefined);
  const helper = helperPath();
  const { root, layer, notice } = chooseRoot(options, roots, facts, host?.directory ?? rootfs.path, life);
  const filter = chooseFilter(options, config, facts);
  const layout = layOut({ options, config, facts, roots, rootfs, root, layer, cgroup, helper, filter, life });
  const notices = [rootfs.notice, notice, ...confinementNotices(options, filter)].filter((text) => text !== undefined);
  const plan = compileRun(config, layout);
  return {
    name: options.name,
    facts,
    roots,
    helper,
    rootfs,
    host,
    config,
    cgroup,
    layer,
    ids,
    plan,
    hasUpper: root.kind === 'layer',
    life,
    notices,
    loosened: loosened(options),
  };
}

interface Decided {
  readonly options: RunOptions;
  readonly config: Config;
  readonly facts: HostFacts;
  readonly roots: Roots;
  readonly rootfs: Rootfs;
  readonly root: RootSource;
  readonly layer: string | undefined;
  readonly cgroup: ContainerCgroup;
  readonly helper: HostPath;
  readonly filter: Filter | undefined;
  readonly life: Life;
}

/** Where everything lies, for the compiler. */
function layOut({ options, config, facts, roots, rootfs, root, layer, cgroup, helper, filter, life }: Decided): Layout {
  return {
    staging: toHostPath(`${roots.state}/${options.name}`),
    root,
    probeRoot: rootfs.path,
    cgroup,
    control: {
      directory: toHostPath(`${roots.state}/${options.name}`),
      start: life.start,
      timeout: life.detached ? (options.timeout ?? 0) : 0,
    },
    ...(life.detached ? { log: { directory: toHostPath(`${roots.layers}/${layer}`), ...life.log } } : {}),
    streams: life.detached ? 6 + (life.stdin ? 1 : 0) : 0,
    files: providedFiles(config.hostname ?? options.name, options.network === 'host' ? readHostNames() : undefined),
    onOrphan: {
      // By absolute paths: whoever runs it finds no PATH and no working directory to trust.
      argv: [process.execPath, `${dirname(dirname(helper))}/bin/run.js`, 'undo', options.name],
      env: [`CRT_STATE_DIR=${roots.state}`, `CRT_LAYERS_DIR=${roots.layers}`, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    },
    guard: chooseGuard(options, facts),
    filter: filter?.program,
    filterFlags: filter?.flags ?? 0,
    // Unconfined means no filter at all.
    listener: filter && mountListener(facts.arch),
    ...(facts.lsm.apparmor ? { apparmorFile: facts.lsm.apparmor.execFile } : {}),
    holdBeforeExec: options.onSteps !== undefined,
    reaper: options.init ?? false,
  };
}

/** Before the helper, which could only say that it was not there. */
function checkSources(mounts: readonly MountOption[]): void {
  for (const [at, { source, type }] of mounts.entries()) {
    if (source === undefined || type === 'tmpfs' || existsSync(source)) continue;
    throw new UserError(`mounts[${at}].source: ${quote(source)} is not there`, { hint: 'make it first' });
  }
}

function checkHost({ uid, kernel }: HostFacts): void {
  if (uid !== 0) throw new UserError('making a container needs root', { hint: 'sudo crt run …', check: 'privilege' });
  if (kernel.major < OLDEST.major || (kernel.major === OLDEST.major && kernel.minor < OLDEST.minor)) {
    throw new UserError(`this kernel is ${kernel.release}; crt needs ${OLDEST.major}.${OLDEST.minor} for its mount calls (mount_setattr)`, {
      hint: 'update the kernel',
      // WSL 1 says the version of a kernel that it is not.
      check: /microsoft/i.test(kernel.release) ? 'environment' : 'kernel-version',
    });
  }
}

/** The file system of the layers root, where it cannot take a writable layer: writes are kept in memory then. */
export function unfitForLayers(roots: Roots, { mounts }: HostFacts): string | undefined {
  const fstype = holdingMount(roots.layers, mounts)?.fstype;
  return fstype !== undefined && NOT_ABOVE.has(fstype) ? fstype : undefined;
}

function chooseRoot(
  options: RunOptions,
  roots: Roots,
  facts: HostFacts,
  lower: HostPath,
  life: Life,
): { root: RootSource; layer: string | undefined; notice: string | undefined } {
  // What is detached has a folder there for its log in any case.
  const folder = life.layer ?? layerId(options.name);
  const home = life.detached ? folder : undefined;
  if (options.writableRootfs) return { root: { kind: 'directory', directory: lower }, layer: home, notice: undefined };
  const inMemory = (notice: string | undefined): ReturnType<typeof chooseRoot> => {
    if (options.keep && !life.detached)
      throw new UserError('keep: a layer in memory cannot be kept', {
        hint: 'leave out --keep, or --storage-size, or put CRT_LAYERS_DIR on a disk',
      });
    return { root: { kind: 'memory', lower, size: options.storageSize }, layer: home, notice };
  };
  if (options.storageSize !== undefined) return inMemory(undefined);
  const fstype = unfitForLayers(roots, facts);
  if (fstype !== undefined) {
    return inMemory(`${roots.layers} is on ${fstype}, which cannot take a writable layer: writes are kept in memory`);
  }
  const at = (part: string): HostPath => toHostPath(`${roots.layers}/${folder}/${part}`);
  const root = { kind: 'layer', lower, upper: at('upper'), work: at('work'), discard: !options.keep } as const;
  return { root, layer: folder, notice: undefined };
}
