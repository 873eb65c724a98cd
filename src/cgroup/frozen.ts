import { readText } from './files.js';

/**
 * True when the processes of one of these cgroups stand still, or are about to: what joins it would do so, too. `freezer.state` is of
 * version 1 (cgroup-v1/freezer-subsystem.rst), `cgroup.freeze` of version 2 (cgroup-v2.rst).
 */
export function standsStill(paths: readonly string[]): boolean {
  return paths.some((path) => {
    const state = readText(`${path}/freezer.state`);
    if (state !== undefined && state !== 'THAWED') return true;
    return readText(`${path}/cgroup.freeze`) === '1' || readText(`${path}/cgroup.events`)?.includes('frozen 1') === true;
  });
}
