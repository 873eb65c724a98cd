import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';
// statfs(2): CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC.
const CGROUP_MAGIC = new Set([0x27e0eb, 0x63677270]);

/** The benchmark's own cgroup, for those that leave theirs behind. */
export function cgroupName(): string {
  return `crt-bench-${process.pid}`;
}

function removeCgroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}

function isCgroupTree(folder: string): boolean {
  return CGROUP_MAGIC.has(statfsSync(folder).type);
}

function removeCgroups(): void {
  const hierarchies = readdirSync(CGROUPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const parent of [CGROUPS, ...hierarchies.map((entry) => join(CGROUPS, entry.name))].filter(isCgroupTree)) {
    const folder = join(parent, cgroupName());
    if (existsSync(folder)) removeCgroup(folder);
  }
}

/** podman mounts its storage folder onto itself and leaves it so. */
function unmountBelow(folder: string): void {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.reverse()) spawnSync('umount', [point]);
}

/** State folders that the peers make for root whatever their options say; those that were not there before. */
export function absentStateFolders(): string[] {
  return ['/run/crun', '/run/runc'].filter((folder) => !existsSync(folder));
}

/** Removes what the contestants left on the machine: mounts below `scratch`, the folder, cgroups, empty `stateFolders`. */
export function cleanUp(scratch: string, stateFolders: readonly string[]): void {
  unmountBelow(scratch);
  rmSync(scratch, { recursive: true, force: true });
  removeCgroups();
  for (const folder of stateFolders) {
    if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}
