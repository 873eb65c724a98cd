import { readText } from '../cgroup/files.js';

/** What the kernel says of a cgroup controller (cgroups(7), /proc/cgroups). */
export interface KernelController {
  /** False where the boot line has turned it off. */
  readonly enabled: boolean;
  /** The controllers of its version 1 hierarchy, itself included; undefined while it is in none. */
  readonly together: readonly string[] | undefined;
}

/** The controllers of this kernel by name; those of version 2 alone are not in the list of newer kernels. */
export function kernelControllers(): ReadonlyMap<string, KernelController> {
  const groups = [...(readText('/proc/self/cgroup') ?? '').matchAll(/^[1-9]\d*:([^:]+):/gm)].map((match) => (match[1] ?? '').split(','));
  const lines = (readText('/proc/cgroups') ?? '').split('\n').filter((line) => !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [name = '', , , enabled] = line.split('\t');
      return [name, { enabled: enabled === '1', together: groups.find((group) => group.includes(name)) }];
    }),
  );
}

/** Mounts the version 1 hierarchy of a controller where everybody looks for it. */
export function mountCommands(name: string, controllers: ReadonlyMap<string, KernelController>): readonly string[] {
  const options = (controllers.get(name)?.together ?? [name]).join(',');
  return [`mkdir -p /sys/fs/cgroup/${options}`, `mount -t cgroup -o ${options} cgroup /sys/fs/cgroup/${options}`];
}
