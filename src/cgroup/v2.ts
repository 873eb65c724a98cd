import { constants, existsSync, mkdirSync } from 'node:fs';
import { deviceProgram } from '../device-filter/bpf.js';
import { deviceFilter, isUnrestricted } from '../device-filter/rules.js';
import { UserError } from '../errors.js';
import { shellWord } from '../format/shell-word.js';
import type { CgroupFacts } from '../host/facts.js';
import { type HostPath, type Step, step, toHostPath } from '../plan/step.js';
import type { Resources } from '../spec/types.js';
import { change, liftedV2, shrinkFirst } from './changes.js';
import { CGROUP_ROOT, type ContainerCgroup, mountStep, O_CLOEXEC, O_PATH, READ_ONLY_MOUNT } from './container.js';
import { type CgroupCounters, countersV2 } from './counters.js';
import { applyLimits, listPids, makeDirectory, mkdirCheck, removeDirectories } from './directory.js';
import type { CgroupDirectory, CgroupStats, MemoryLimits, UpdateOptions } from './driver.js';
import { errnoWords, isErrno, readNumber, readText, writeText } from './files.js';
import { checkResources, type LimitWrite, limitsV2 } from './limits.js';

type Unified = NonNullable<CgroupFacts['unified']>;

/** Enabled in any case, where the tree has them: they count what `ps`, `stats` and the exit message show. */
const ALWAYS = ['memory', 'pids', 'io'] as const;
const SLOT = 'cgroup';
const DOOR = 'cgroup-procs';
/** The kernel's own files appear in a cgroup once a controller is enabled: a cgroup of such a name would be in their way. */
const KERNEL_FILE = /^(cgroup|memory|pids|cpu|cpuset|io|hugetlb|misc|rdma|dmem|irq|perf_event|debug)\./;

/** Version 2: `crt/NAME` below the mount (Documentation/admin-guide/cgroup-v2.rst). */
export class CgroupV2 implements ContainerCgroup {
  readonly paths: readonly HostPath[];
  readonly #name: string;
  readonly #resources: Resources;
  readonly #unified: Unified;
  readonly limits: readonly LimitWrite[];
  /** What the tree must have enabled down to the container's own cgroup. */
  readonly #controllers: readonly string[];
  readonly #parent: HostPath;
  readonly #directory: HostPath;

  constructor(unified: Unified, name: string, resources: Resources) {
    this.#name = name;
    this.#resources = resources;
    this.#unified = unified;
    this.limits = limitsV2(resources);
    const present = ALWAYS.filter((controller) => unified.controllers.includes(controller));
    this.#controllers = [...new Set([...present, ...this.limits.map((write) => write.controller)])];
    this.#parent = toHostPath(`${unified.mountpoint}/crt`);
    this.#directory = toHostPath(`${this.#parent}/${name}`);
    // `crt` itself and the enabled controllers stay: they cost nothing and belong to no container.
    this.paths = [this.#directory];
  }

  check(): void {
    checkResources(this.#resources);
    for (const write of this.limits) this.#checkController(write);
    for (const path of [this.#unified.mountpoint, this.#parent]) this.#checkInternalProcesses(path);
    if (KERNEL_FILE.test(this.#name)) {
      throw new UserError(`the name ${this.#name} looks like a cgroup file of the kernel`, { hint: 'choose another name' });
    }
  }

  create(): readonly CgroupDirectory[] {
    this.#makeParent();
    for (const path of [this.#unified.mountpoint, this.#parent]) enable(path, missingIn(path, this.#controllers));
    const made = [makeDirectory(this.#directory, this.#name)];
    try {
      applyLimits(this.limits, () => this.#directory);
    } catch (error) {
      removeDirectories(made);
      throw error;
    }
    return made;
  }

  open({ bornInside }: { readonly bornInside: boolean }): { readonly steps: readonly Step[]; readonly cloneInto: string | undefined } {
    const open = (fd: string, path: HostPath, flags: number, why: string): Step =>
      step('open', 'stage', { fd, path, flags }, { chapter: 'cgroup', why });
    const directory = open(SLOT, this.#directory, O_PATH | O_CLOEXEC | constants.O_DIRECTORY, "the container's cgroup");
    const door = open(DOOR, toHostPath(`${this.#directory}/cgroup.procs`), constants.O_WRONLY | O_CLOEXEC, 'the way into the cgroup');
    const steps = [directory, ...this.#filterDevices(), ...(bornInside ? [] : [door])];
    return { steps, cloneInto: bornInside ? SLOT : undefined };
  }

  /** Before init is born: no process is ever in there without it. */
  #filterDevices(): Step[] {
    const filter = deviceFilter(this.#resources.devices ?? []);
    if (this.#resources.devices === undefined || isUnrestricted(filter)) return [];
    const operands = { cgroup: SLOT, program: deviceProgram(filter) };
    return [step('device-filter', 'stage', operands, { chapter: 'cgroup', why: 'only the devices of a container can be opened' })];
  }

  join({ bornInside }: { readonly bornInside: boolean }): readonly Step[] {
    return bornInside ? [] : [step('cgroup-join', 'init', { tasks: DOOR }, { chapter: 'cgroup', why: 'enter the cgroup' })];
  }

  mounts(root: string): readonly Step[] {
    return [mountStep(root, { type: 'cgroup2', target: CGROUP_ROOT, attrs: READ_ONLY_MOUNT, why: "the container's own cgroup" })];
  }

  seal(): readonly Step[] {
    return [];
  }

  stats(): CgroupStats {
    const directory = this.#directory;
    const events = readText(`${directory}/memory.events`);
    const kills = events && /^oom_kill (\d+)$/m.exec(events)?.[1];
    return {
      memoryUsage: readNumber(`${directory}/memory.current`),
      memoryPeak: readNumber(`${directory}/memory.peak`),
      memoryLimit: readNumber(`${directory}/memory.max`),
      oomKills: kills ? Number(kills) : undefined,
      pids: readNumber(`${directory}/pids.current`),
    };
  }

  counters(): CgroupCounters {
    return countersV2(this.#directory);
  }

  memory(): MemoryLimits {
    const limit = readNumber(`${this.#directory}/memory.max`);
    const extra = readText(`${this.#directory}/memory.swap.max`);
    if (limit === undefined || extra === undefined) return { limit, swap: undefined };
    return { limit, swap: extra === 'max' ? -1 : limit + Number(extra) };
  }

  update({ force }: UpdateOptions): () => void {
    this.check();
    for (const path of [this.#unified.mountpoint, this.#parent]) enable(path, missingIn(path, this.#controllers));
    const limit = this.#resources.memory?.limit;
    if (limit !== undefined && !force) shrinkFirst(this.#directory, this.#name, limit);
    return change([...this.limits, ...liftedV2(this.#resources)], () => this.#directory);
  }

  pids(): readonly number[] {
    return listPids(this.#directory);
  }

  #checkController({ controller, file }: LimitWrite): void {
    if (this.#unified.controllers.includes(controller)) return;
    throw new UserError(`the cgroup tree at ${this.#unified.mountpoint} has no ${controller} controller, so ${file} cannot be set`, {
      hint:
        controller === 'pids'
          ? 'give --pids-limit -1 to go without'
          : 'it may be taken by a version 1 mount (see /proc/cgroups), or not be delegated to this cgroup',
      check: 'cgroup-controllers',
    });
  }

  /** Below the true root a cgroup with processes of its own may not hand controllers down (cgroups(7), "no internal processes"). */
  #checkInternalProcesses(path: HostPath): void {
    // Only the true root lacks cgroup.type; it may hold processes.
    if (!existsSync(`${path}/cgroup.type`) || missingIn(path, this.#controllers).length === 0) return;
    if (readText(`${path}/cgroup.procs`)) throw internalProcesses(path);
  }

  #makeParent(): void {
    try {
      mkdirSync(this.#parent, 0o755);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return;
      throw new UserError(`cannot make the cgroup ${this.#parent}: ${errnoWords(error)}`, {
        hint: isErrno(error, 'EROFS')
          ? 'the cgroup file system is mounted read-only here; inside another container it must be given writable'
          : 'run it as root: sudo crt run …',
        check: mkdirCheck(error),
        cause: error,
      });
    }
  }
}

function missingIn(path: string, controllers: readonly string[]): string[] {
  const enabled = (readText(`${path}/cgroup.subtree_control`) ?? '').split(' ');
  return controllers.filter((controller) => !enabled.includes(controller));
}

function enable(path: string, controllers: readonly string[]): void {
  if (controllers.length === 0) return;
  try {
    writeText(`${path}/cgroup.subtree_control`, controllers.map((controller) => `+${controller}`).join(' '));
  } catch (error) {
    if (isErrno(error, 'EBUSY')) throw internalProcesses(path, error);
    throw new UserError(`cannot enable ${controllers.join(', ')} below the cgroup ${path}: ${errnoWords(error)}`, {
      hint: `compare with what it has: cat ${shellWord(`${path}/cgroup.controllers`)}`,
      check: 'cgroup-delegation',
      cause: error,
    });
  }
}

function internalProcesses(path: string, cause?: unknown): UserError {
  const word = (file: string): string => shellWord(`${path}/${file}`);
  return new UserError(`the cgroup ${path} has processes of its own, so the kernel lets it limit no cgroup below it`, {
    hint: `crt moves nobody; move them yourself: mkdir ${word('main')} && for p in $(cat ${word('cgroup.procs')}); do echo $p > ${word('main/cgroup.procs')}; done`,
    check: 'cgroup-delegation',
    cause,
  });
}
