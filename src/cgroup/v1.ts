import { constants, existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { BugError, UserError } from '../errors.js';
import type { Hierarchy } from '../host/facts.js';
import { type HostPath, type Step, step, toContainerPath, toHostPath } from '../plan/step.js';
import type { Resources } from '../spec/types.js';
import { belowUse, change, inOrder, isBelowUse, liftedV1 } from './changes.js';
import { CGROUP_ROOT, type ContainerCgroup, mountStep, NOSUID_NODEV_NOEXEC, O_CLOEXEC, READ_ONLY_MOUNT } from './container.js';
import { type CgroupCounters, countersV1 } from './counters.js';
import { applyLimits, descendants, listPids, makeDirectory, removeDirectories } from './directory.js';
import type { CgroupDirectory, CgroupStats, MemoryLimits, UpdateOptions } from './driver.js';
import { readNumber, readText } from './files.js';
import { LateEntry } from './late-entry.js';
import { checkResources, devicesV1, isUnlimited, type LimitWrite, limitsV1 } from './limits.js';

/** A hierarchy that the container joins, and the directory of its own there. */
interface Joined extends Hierarchy {
  /** The controller that it is joined for. */
  readonly controller: string;
  readonly directory: HostPath;
}

/** Joined for `pause`, and for what `stats` counts. No program looks for them inside. */
const UNSEEN = ['freezer', 'cpuacct', 'blkio'] as const;
/** Joined in any case, where they are mounted: memory for the counters, pids for the list. Each one more costs a start 0.2 ms. */
const ALWAYS = ['memory', 'pids', ...UNSEEN] as const;
const DEVICES = 'devices';
/** Hierarchies of nothing else are not shown inside. */
const HIDDEN: readonly string[] = [DEVICES, ...UNSEEN];
/** Of no use in a read-only view: files that can only be written to, and what the kernel itself calls deprecated. */
const OF_NO_USE = /^memory\.(force_empty|pressure_level|kmem\..*|numa_stat|move_charge_at_immigrate)$/;
/** What a program looks for in the memory cgroup besides memory.*. */
const COMMON_FILES: readonly string[] = ['cgroup.procs', 'tasks'];

/** Version 1, also in hybrid mode: a directory `NAME` at the top of each hierarchy that is needed (cgroups(7)). */
export class CgroupV1 implements ContainerCgroup {
  readonly paths: readonly HostPath[];
  readonly #name: string;
  readonly #resources: Resources;
  readonly limits: readonly LimitWrite[];
  readonly #hierarchies: readonly Hierarchy[];
  readonly #joined: readonly Joined[];

  constructor(hierarchies: readonly Hierarchy[], name: string, resources: Resources) {
    this.#name = name;
    this.#resources = resources;
    this.#hierarchies = hierarchies;
    // Without that hierarchy there is no filter: docs/decisions/device-filter.md says what is left.
    const canFilter = hierarchies.some(({ controllers }) => controllers.includes(DEVICES));
    this.limits = [...limitsV1(resources, inheritedCpuset(hierarchies, resources)), ...(canFilter ? devicesV1(resources.devices) : [])];
    this.#joined = chooseHierarchies(hierarchies, name, this.limits);
    this.paths = this.#joined.map(({ directory }) => directory);
  }

  check(): void {
    checkResources(this.#resources);
    for (const write of this.limits) this.#checkWrite(write);
  }

  create(): readonly CgroupDirectory[] {
    const made: CgroupDirectory[] = [];
    try {
      for (const path of this.paths) made.push(makeDirectory(path, this.#name));
      applyLimits(this.limits, (write) => this.#need(write.controller).directory);
    } catch (error) {
      removeDirectories(made);
      throw error;
    }
    return made;
  }

  open(): { readonly steps: readonly Step[]; readonly cloneInto: undefined } {
    const flags = constants.O_WRONLY | O_CLOEXEC;
    const steps = this.#joined.map(({ controller, directory }) =>
      step(
        'open',
        'stage',
        { fd: slotOf(controller), path: toHostPath(`${directory}/tasks`), flags },
        { chapter: 'cgroup', why: `the way into the ${controller} cgroup` },
      ),
    );
    return { steps, cloneInto: undefined };
  }

  /**
   * Init writes "0" (itself) to `tasks` while it has one thread. cgroup.procs would take the lock that stops every fork
   * and exit of the machine: 9 ms were measured for its first write against 14 µs here.
   */
  join(): readonly Step[] {
    return this.#joined.map(({ controller }) =>
      step('cgroup-join', 'init', { tasks: slotOf(controller) }, { chapter: 'cgroup', why: `enter the ${controller} cgroup` }),
    );
  }

  mounts(root: string): readonly Step[] {
    const top = mountStep(root, {
      type: 'tmpfs',
      target: CGROUP_ROOT,
      options: ['mode=755'],
      attrs: NOSUID_NODEV_NOEXEC,
      why: 'room for the cgroup mounts',
    });
    // Which devices it may use is told by trying; its list is nothing that programs look for.
    const shown = this.#joined.filter(({ controllers }) => !controllers.every((each) => HIDDEN.includes(each)));
    return [top, ...shown.flatMap((hierarchy) => this.#mountHierarchy(root, hierarchy))];
  }

  seal(): readonly Step[] {
    const target = toContainerPath(CGROUP_ROOT);
    return [
      step('remount', 'init', { target, attrs: READ_ONLY_MOUNT }, { chapter: 'cgroup', why: 'no file may be added among the cgroups' }),
    ];
  }

  stats(): CgroupStats {
    const memory = this.#find('memory')?.directory;
    const pids = this.#find('pids')?.directory;
    const limit = memory && readNumber(`${memory}/memory.limit_in_bytes`);
    return {
      memoryUsage: memory && readNumber(`${memory}/memory.usage_in_bytes`),
      memoryPeak: memory && readNumber(`${memory}/memory.max_usage_in_bytes`),
      memoryLimit: limit === undefined || isUnlimited(limit) ? undefined : limit,
      oomKills: memory && sumOomKills(memory),
      pids: pids && readNumber(`${pids}/pids.current`),
    };
  }

  counters(): CgroupCounters {
    return countersV1((controller) => {
      // Not only those of #joined: cpu is entered for a limit, whatever this driver was opened for.
      const hierarchy = this.#hierarchies.find(({ controllers }) => controllers.includes(controller));
      return hierarchy && `${hierarchy.mountpoint}/${this.#name}`;
    });
  }

  memory(): MemoryLimits {
    const directory = this.#find('memory')?.directory;
    const read = (file: string): number | undefined => (directory === undefined ? undefined : readNumber(`${directory}/${file}`));
    const [limit, swap] = [read('memory.limit_in_bytes'), read('memory.memsw.limit_in_bytes')];
    return {
      limit: limit === undefined || isUnlimited(limit) ? undefined : limit,
      swap: swap !== undefined && isUnlimited(swap) ? -1 : swap,
    };
  }

  update({ own, note }: UpdateOptions): () => void {
    this.check();
    const writes = inOrder([...this.limits, ...liftedV1(this.#resources)], this.#find('memory')?.directory);
    for (const write of writes) this.#checkWrite(write);
    const fresh = this.#joined.filter(
      ({ directory, controllers }) =>
        !own.some(({ path }) => path === directory) && writes.some(({ controller }) => controllers.includes(controller)),
    );
    const entry = new LateEntry(this.#name, own);
    try {
      for (const { directory } of fresh) entry.make(directory);
      if (fresh.length > 0) note(entry.made);
      const putBack = this.#change(writes);
      try {
        entry.enter();
      } catch (error) {
        putBack();
        throw error;
      }
      return putBack;
    } catch (error) {
      entry.leave();
      if (entry.made.length > 0) noteGone(note);
      throw error;
    }
  }

  #change(writes: readonly LimitWrite[]): () => void {
    try {
      return change(writes, (write) => this.#need(write.controller).directory);
    } catch (error) {
      if (!isBelowUse(error)) throw error;
      throw belowUse(this.#name, this.#resources.memory?.limit ?? 0, this.stats().memoryUsage, error);
    }
  }

  pids(): readonly number[] {
    const [first] = this.paths;
    return first ? listPids(first) : [];
  }

  #mountHierarchy(root: string, { controllers, mountpoint }: Joined): Step[] {
    const folder = basename(mountpoint);
    const isMemory = controllers.includes('memory');
    // The path that people know from the host, memory/NAME/…, must lead to the same file inside.
    const target = isMemory ? `${CGROUP_ROOT}/${folder}/${this.#name}` : `${CGROUP_ROOT}/${folder}`;
    const mounted = mountStep(root, {
      type: 'cgroup',
      target,
      options: controllers,
      attrs: READ_ONLY_MOUNT,
      why: `the container's own ${controllers.join(' and ')} cgroup`,
    });
    const links = isMemory
      ? memoryFiles(mountpoint).map((file) => link(root, `${this.#name}/${file}`, `${folder}/${file}`, 'the usual path, too'))
      : [];
    const names = controllers.filter((controller) => controller !== folder && controllers.length > 1);
    return [mounted, ...links, ...names.map((controller) => link(root, folder, controller, 'each controller by its own name'))];
  }

  #find(controller: string): Joined | undefined {
    return this.#joined.find(({ controllers }) => controllers.includes(controller));
  }

  #need(controller: string): Joined {
    const found = this.#find(controller);
    if (!found) throw new BugError(`no ${controller} hierarchy was chosen`);
    return found;
  }

  #checkWrite({ controller, file, optional }: LimitWrite): void {
    const hierarchy = this.#find(controller);
    if (!hierarchy) {
      throw new UserError(`no cgroup with the ${controller} controller is mounted, so ${file} cannot be set`, {
        hint:
          controller === 'pids'
            ? 'give --pids-limit -1 to go without'
            : `mount it: mount -t cgroup -o ${controller} cgroup ${CGROUP_ROOT}/${controller}`,
        check: 'cgroup-controllers',
      });
    }
    if (!optional && file.includes('memsw') && !existsSync(`${hierarchy.mountpoint}/${file}`)) {
      throw new UserError('this kernel does not count swap, so it cannot be limited', {
        hint: 'leave out --memory-swap, or boot with swapaccount=1',
        check: 'cgroup-swap',
      });
    }
  }
}

function chooseHierarchies(hierarchies: readonly Hierarchy[], name: string, writes: readonly LimitWrite[]): Joined[] {
  const chosen = new Map<string, Joined>();
  for (const controller of [...ALWAYS, ...writes.map((write) => write.controller)]) {
    const hierarchy = hierarchies.find(({ controllers }) => controllers.includes(controller));
    // A co-mounted hierarchy (cpu,cpuacct) is one tree: joined once.
    if (!hierarchy || chosen.has(hierarchy.mountpoint)) continue;
    chosen.set(hierarchy.mountpoint, { ...hierarchy, controller, directory: toHostPath(`${hierarchy.mountpoint}/${name}`) });
  }
  return [...chosen.values()];
}

function inheritedCpuset(hierarchies: readonly Hierarchy[], { cpu }: Resources): { cpus: string; mems: string } {
  const hierarchy = cpu?.cpus || cpu?.mems ? hierarchies.find(({ controllers }) => controllers.includes('cpuset')) : undefined;
  const read = (file: string): string => (hierarchy && readText(`${hierarchy.mountpoint}/${file}`)) ?? '';
  return { cpus: read('cpuset.cpus'), mems: read('cpuset.mems') };
}

function slotOf(controller: string): string {
  return `cgroup-${controller}`;
}

function memoryFiles(mountpoint: HostPath): string[] {
  const isShown = (file: string): boolean => (file.startsWith('memory.') && !OF_NO_USE.test(file)) || COMMON_FILES.includes(file);
  // Files only: a directory there is somebody else's cgroup, whose name is nobody's business inside.
  const files = readdirSync(mountpoint, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => entry.name)
    .filter(isShown)
    .sort();
}

function link(root: string, content: string, target: string, why: string): Step {
  return step('symlink', 'init', { root, content, target: toContainerPath(`${CGROUP_ROOT}/${target}`) }, { chapter: 'cgroup', why });
}

/** Version 1 counts per cgroup only: a kill in a child does not show in its parent. */
function sumOomKills(directory: string): number | undefined {
  const counts = [directory, ...descendants(directory)]
    .map((path) => /^oom_kill (\d+)$/m.exec(readText(`${path}/memory.oom_control`) ?? '')?.[1])
    .filter((count) => count !== undefined);
  return counts.length > 0 ? counts.reduce((sum, count) => sum + Number(count), 0) : undefined;
}

/** What is noted and is not there does no harm: the error that led here says more. */
function noteGone(note: UpdateOptions['note']): void {
  try {
    note([]);
  } catch {
    // The disk is full, for example.
  }
}
