import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arena } from './contestants.js';

/** What the helper weighs. */
export interface Sizes {
  /** Bytes of helper/crt-init on disk; the bar is 100 kB when it is linked with musl. */
  readonly helperBytes: number;
  /** Bytes resident (VmRSS) of the monitor beside a running container; the bar is 500 kB. */
  readonly monitorResident: number;
}

function statusField(pid: number, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (value === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(value);
}

async function untilRunning(pid: number, command: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== command) {
    if (Date.now() > deadline) throw new Error(`the container did not start ${command} within 10 s`);
    await delay(5);
  }
}

/** Starts a container that sleeps, looks at its parent, the monitor, and ends it. */
async function monitorResident(arena: Arena): Promise<number> {
  const controller = new AbortController();
  let found: (pid: number) => void = () => {};
  const created = new Promise<number>((resolve) => {
    found = resolve;
  });
  const running = arena.library.run({
    name: `crt-bench-${process.pid}-sizes`,
    rootfs: arena.rootfs,
    command: ['/bin/sleep', '60'],
    memory: 50 * 1024 * 1024,
    signal: controller.signal,
    onSteps: (_results, container) => found(container.pid),
  });
  try {
    // A start that fails must end the wait too.
    const pid = await Promise.race([created, running.then(() => Promise.reject(new Error('the container ended at once')))]);
    await untilRunning(pid, 'sleep');
    const monitor = statusField(pid, 'PPid');
    const program = basename(readlinkSync(`/proc/${monitor}/exe`));
    if (program !== 'crt-init') throw new Error(`the parent of the container is ${program}`);
    return statusField(monitor, 'VmRSS') * 1024;
  } finally {
    controller.abort();
    await running.catch(() => undefined);
  }
}

/** Measures {@link Sizes}; `helper` is the path of crt-init. */
export async function measureSizes(arena: Arena, helper: string): Promise<Sizes> {
  return { helperBytes: statSync(helper).size, monitorResident: await monitorResident(arena) };
}
