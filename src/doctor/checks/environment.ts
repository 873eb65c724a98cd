import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { Check, Finding } from '../check.js';

/** What {@link environmentOf} looks at: texts of files, undefined where there is none. */
export interface Surroundings {
  readonly release: string;
  readonly env: NodeJS.ProcessEnv;
  read(path: string): string | undefined;
}

/** Numbers that the kernel gives its first namespaces (include/linux/proc_ns.h). */
const FIRST: Readonly<Record<string, string>> = {
  user: 'user:[4026531837]',
  pid: 'pid:[4026531836]',
  uts: 'uts:[4026531838]',
  ipc: 'ipc:[4026531839]',
};
/** Files and words by which machines give themselves away, as systemd-detect-virt(1) has them. */
const MACHINES: readonly (readonly [words: RegExp, name: string])[] = [
  [/KVM|QEMU/i, 'KVM or QEMU'],
  [/Amazon EC2/i, 'Amazon EC2'],
  [/Google Compute/i, 'Google Compute Engine'],
  [/VMware/i, 'VMware'],
  [/VirtualBox|innotek/i, 'VirtualBox'],
  [/Xen/i, 'Xen'],
  [/Microsoft Corporation[\s\S]*Virtual/i, 'Hyper-V'],
  [/Parallels/i, 'Parallels'],
  [/Bochs|BHYVE|OpenStack|DigitalOcean|Apple Virtualization/i, 'a hypervisor'],
];

export const environment: Check = {
  id: 'environment',
  group: 'environment',
  title: 'what this machine is',
  proves:
    'Whether crt runs inside a container (its namespaces are not the first of the kernel; files that docker, podman and systemd leave), in WSL, in a ' +
    'virtual machine, or in a job of a CI service. Files are hints: nothing is refused because of them, WSL 1 apart.',
  why: 'A container around crt can take away mounts, devices, capabilities and control groups, so a failure of another check has its cause there. A virtual machine takes nothing.',
  repair:
    'Inside a container: run it with `docker run --privileged` or `podman run --privileged`, or run crt on the host. In WSL: use version 2, `wsl --set-version DISTRIBUTION 2`.',
  needsRoot: false,
  run: ({ env, facts }) => environmentOf({ env, release: facts.kernel.release, read }),
};

function read(path: string): string | undefined {
  try {
    if (path.startsWith('/proc/self/ns/')) return readlinkSync(path);
    // Marks without content count by being there.
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

export function environmentOf(around: Surroundings): readonly Finding[] {
  const findings = [...wsl(around), ...container(around), ...machine(around)];
  const base: readonly Finding[] = findings.length > 0 ? findings : [{ verdict: 'pass', observed: 'no container and no virtual machine' }];
  return around.env['CI'] ? [...base, { verdict: 'info', observed: 'a job of a CI service' }] : base;
}

function wsl({ release }: Surroundings): Finding[] {
  if (!/microsoft|WSL/i.test(release)) return [];
  if (/WSL2|microsoft-standard/i.test(release)) return [{ verdict: 'info', observed: 'WSL 2' }];
  return [
    {
      verdict: 'fail',
      observed: `WSL 1 (${release})`,
      expected: 'a Linux kernel, as WSL 2 has it',
      cost: 'no container can be started',
      fix: { advice: 'in Windows: wsl --set-version DISTRIBUTION 2' },
    },
  ];
}

/** By the namespaces: a file such as /.dockerenv also lies in the image of a virtual machine that was made from one of docker's. */
function container({ read, env }: Surroundings): Finding[] {
  const nested = Object.entries(FIRST).filter(([kind, first]) => (read(`/proc/self/ns/${kind}`) ?? first) !== first);
  if (nested.length === 0) return [];
  const name = managerOf(read, env);
  return [
    {
      verdict: 'info',
      observed: `inside a container${name === undefined ? '' : ` (${name})`}: not the first namespaces of the machine: ${nested.map(([kind]) => kind).join(', ')}`,
      cost: 'what the container around crt may not do, crt cannot do: see the other checks',
      fix: { advice: 'if other checks fail: give the container around crt more rights (docker run --privileged), or run crt on the host' },
    },
  ];
}

function managerOf(read: Surroundings['read'], env: NodeJS.ProcessEnv): string | undefined {
  if (read('/.dockerenv') !== undefined) return 'docker';
  if (read('/run/.containerenv') !== undefined) return 'podman';
  if (env['KUBERNETES_SERVICE_HOST']) return 'kubernetes';
  // Of PID 1 root alone may read it.
  const told = read('/run/systemd/container') ?? /(?:^|\0)container=([^\0]+)/.exec(read('/proc/1/environ') ?? '')?.[1];
  return told?.trim() || undefined;
}

function machine({ read, release }: Surroundings): Finding[] {
  if (/microsoft|WSL/i.test(release)) return [];
  const told = ['sys_vendor', 'product_name', 'bios_vendor', 'board_vendor']
    .map((file) => read(`/sys/class/dmi/id/${file}`) ?? '')
    .join('\n');
  const known = MACHINES.find(([words]) => words.test(told))?.[1];
  const isVirtual =
    known !== undefined ||
    read('/sys/hypervisor/type') !== undefined ||
    read('/proc/device-tree/hypervisor/compatible') !== undefined ||
    /^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '');
  return isVirtual ? [{ verdict: 'info', observed: `a virtual machine${known === undefined ? '' : ` (${known})`}` }] : [];
}
