import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const UNIFIED = '/sys/fs/cgroup/unified';
const MARK = 'CRT_BENCH_PRIVATE';

/** Which cgroup trees are mounted: `v2`, `v1`, or `hybrid` (v1 beside a v2 tree at `unified`). */
function cgroupMode(): 'v1' | 'v2' | 'hybrid' {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return 'v2';
  return existsSync(`${UNIFIED}/cgroup.controllers`) ? 'hybrid' : 'v1';
}

/** What the contestants see, for the report. */
export function cgroupDescription(): string {
  return process.env[MARK] === undefined ? cgroupMode() : 'hybrid with the v2 part hidden from all (crun refuses it)';
}

/**
 * crun refuses a hybrid tree whose v2 part has controllers. There, and only there, the benchmark starts itself
 * again in a mount namespace of its own where the v2 part is not mounted; the host's mounts stay as they are.
 * @returns the exit code of the second start, or undefined when this process shall do the work.
 */
export function restartWithoutUnified(): number | undefined {
  if (process.env[MARK] !== undefined || cgroupMode() !== 'hybrid') return undefined;
  if (readFileSync(`${UNIFIED}/cgroup.controllers`, 'utf8').trim() === '') return undefined;
  // The folder below belongs to a tmpfs of the host: what a runtime writes there must go to another one.
  const script = `umount ${UNIFIED} && mount -t tmpfs none ${UNIFIED} && exec "$@"`;
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...self], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  });
  if (child.error !== undefined) throw child.error;
  return child.status ?? 1;
}
