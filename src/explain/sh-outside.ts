import type { Plan, Step } from '../plan/step.js';
import { isOp } from '../plan/step.js';
import { namespaceNames, ownedNamespaces } from './numbers.js';
import { folded, quote } from './sh-words.js';

/** One value for one file of the container's cgroup; the first comes first. */
export interface ShellLimit {
  /** `memory`, `pids` … */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** A kernel without the file is fine. */
  readonly optional: boolean;
}

/** A folder, file or link of a rootfs that is put together for the run. */
export type SkeletonEntry = { readonly path: string } & (
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly content: string }
);

/** A cgroup that the container enters. */
interface Entered {
  /** The slot, which names the controller in version 1. */
  readonly slot: string;
  readonly directory: string;
  /** Where a process writes 0 to enter. */
  readonly door: string;
  readonly version: 1 | 2;
}

/** What each namespace is called by unshare(1). */
const UNSHARE: Readonly<Record<string, string>> = {
  CLONE_NEWNS: '--mount',
  CLONE_NEWUTS: '--uts',
  CLONE_NEWIPC: '--ipc',
  CLONE_NEWPID: '--pid --fork',
  CLONE_NEWNET: '--net',
  CLONE_NEWCGROUP: '--cgroup',
  CLONE_NEWTIME: '--time',
};
const PROPAGATION: Readonly<Record<number, string>> = { [1 << 18]: 'private', [1 << 19]: 'slave', [1 << 20]: 'shared' };

/** The cgroups that the plan enters, by `cgroup-join` (version 1) or at birth (version 2). */
export function enteredCgroups(plan: Plan): Entered[] {
  const opened = new Map(plan.steps.flatMap((step) => (isOp(step, 'open') ? [[step.operands.fd, step.operands.path] as const] : [])));
  return plan.steps.flatMap((step): Entered[] => {
    const slot = isOp(step, 'cgroup-join') ? step.operands.tasks : isOp(step, 'clone') ? step.operands.cgroup : undefined;
    const path = slot === undefined ? undefined : opened.get(slot);
    if (slot === undefined || path === undefined) return [];
    if (isOp(step, 'clone')) return [{ slot, directory: path, door: `${path}/cgroup.procs`, version: 2 }];
    return [{ slot, directory: path.slice(0, path.lastIndexOf('/')), door: path, version: path.endsWith('/cgroup.procs') ? 2 : 1 }];
  });
}

/** True for what the script does before it makes the namespaces. */
export function isOutside(step: Step, cgroups: readonly Entered[]): boolean {
  if (isOp(step, 'open')) return cgroups.some(({ slot }) => slot === step.operands.fd);
  return isOp(step, 'cgroup-join') || isOp(step, 'stage') || isOp(step, 'propagation') || isOp(step, 'clone') || isOp(step, 'unshare');
}

/** Makes the cgroups and sets the limits. */
export function writeCgroups(cgroups: readonly Entered[], limits: readonly ShellLimit[]): string[] {
  const lines: string[] = [];
  for (const { directory, version } of cgroups) {
    if (version === 2) lines.push(...handDown(directory, limits));
    lines.push(`cgroup ${quote(directory)}`);
  }
  for (const limit of limits) {
    const home = cgroups.find((cgroup) => holds(cgroup, limit.controller));
    const write = home && `echo ${quote(limit.value)} > ${quote(`${home.directory}/${limit.file}`)}`;
    if (!write) lines.push(`# ${limit.file} cannot be set: no cgroup with the ${limit.controller} controller is entered`);
    else lines.push(limit.optional ? `[ ! -e ${quote(`${home.directory}/${limit.file}`)} ] || ${write}` : write);
  }
  return lines;
}

/** Version 2: a controller must be switched on in every cgroup above (cgroups(7), cgroup.subtree_control). */
function handDown(directory: string, limits: readonly ShellLimit[]): string[] {
  const parent = directory.slice(0, directory.lastIndexOf('/'));
  const top = parent.slice(0, parent.lastIndexOf('/'));
  const controllers = [...new Set(limits.map(({ controller }) => `+${controller}`))].join(' ');
  const enable = [top, parent].map((path) => `echo ${quote(controllers)} > ${quote(`${path}/cgroup.subtree_control`)}`);
  return [`mkdir -p ${quote(parent)}`, ...(controllers === '' ? [] : enable)];
}

function holds({ slot, directory, version }: Entered, controller: string): boolean {
  return version === 2 || slot === `cgroup-${controller}` || directory.split('/').some((part) => part.split(',').includes(controller));
}

/** One unshare(1) for all that the plan's stage, clone and unshare make, and how it starts the inner script. */
export function writeBirth(plan: Plan, cgroups: readonly Entered[]): string[] {
  const names = new Set(['CLONE_NEWNS']);
  let propagation = 'private';
  let dies = false;
  for (const step of plan.steps) {
    if (isOp(step, 'clone') || isOp(step, 'unshare')) for (const name of namespaceNames(step.operands.namespaces)) names.add(name);
    if (isOp(step, 'userns')) for (const name of ownedNamespaces(step.operands)) names.add(name);
    if (isOp(step, 'propagation')) propagation = PROPAGATION[Number(step.operands.mode)] ?? 'private';
    if (isOp(step, 'parent-death')) dies = true;
  }
  const unknown = [...names].filter((name) => !UNSHARE[name]);
  // The child dies with unshare, and unshare with this script.
  const chained = dies && names.has('CLONE_NEWPID');
  const flags = [...names].flatMap((name) => UNSHARE[name] ?? []);
  const birth = [
    `exec ${chained ? 'setpriv --pdeathsig KILL ' : ''}unshare --propagation ${propagation}`,
    ...(chained ? ['--kill-child=SIGKILL'] : []),
    flags.join(' '),
  ];
  return [
    ...unknown.map((name) => `# ${name}: left out, sh has no way to set it up`),
    '(',
    ...cgroups.map(({ door }) => `  echo 0 > ${quote(door)}`),
    ...folded([...birth, 'bash /dev/fd/3 "$scratch"']).map((line) => `  ${line}`),
    ')',
  ];
}

/** Puts a rootfs together that crt would make for the run. */
export function writeSkeleton(entries: readonly SkeletonEntry[]): string[] {
  return entries.flatMap((entry) => {
    const path = `"$scratch"/lower${quote(entry.path)}`;
    if (entry.kind === 'link') return [`ln -s ${quote(entry.content)} ${path}`];
    const make = entry.kind === 'directory' ? `mkdir -p ${path}` : `printf %s ${quote(entry.content)} > ${path}`;
    const usual = entry.kind === 'directory' ? 0o755 : 0o644;
    return entry.mode === usual ? [make] : [make, `chmod ${entry.mode.toString(8)} ${path}`];
  });
}
