import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { destroyCgroup } from '../../src/cgroup/destroy.js';
import type { CgroupDirectory } from '../../src/cgroup/driver.js';

/** A container name that no other test and no person uses. */
export function scratchName(): string {
  return `crt-test-${randomBytes(6).toString('hex')}`;
}

/** Ends the processes of these cgroups and waits until they are out, as `crt-init kill` does. */
export function killAll(procs: readonly string[]): void {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const pids = procs.flatMap((path) => readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number));
    if (pids.length === 0) return;
    for (const pid of pids) spawnSync('kill', ['-9', String(pid)]);
    if (Date.now() > deadline) throw new Error(`still alive: ${pids.join()}`);
  }
}

/** Removes the cgroups when the test ends, however it ends. */
export function removeAfter(t: ExecutionContext, directories: readonly CgroupDirectory[]): void {
  t.teardown(() => destroyCgroup(directories, killAll));
}

/** A process that waits inside a cgroup, or the error of its joining. */
export async function startInside(t: ExecutionContext, file: string): Promise<number> {
  const child = spawn('sh', ['-c', 'echo 0 > "$1" && echo in && exec sleep 1000', 'sh', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error(`cannot enter ${file}`)))]);
  return child.pid ?? -1;
}
