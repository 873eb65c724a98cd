import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Arena, MEMORY_LIMIT } from './contestants.js';

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

function residentOfParent(pid: number): number {
  const monitor = statusField(pid, 'PPid');
  const program = basename(readlinkSync(`/proc/${monitor}/exe`));
  if (program !== 'crt-init') throw new Error(`the parent of the container is ${program}`);
  return statusField(monitor, 'VmRSS') * 1024;
}

/** Starts a container that sleeps, looks at its parent, the monitor, and ends it. */
async function monitorResident(arena: Arena): Promise<number> {
  const controller = new AbortController();
  let resident: number | undefined;
  await arena.library.run({
    name: `crt-bench-${process.pid}-sizes`,
    rootfs: arena.rootfs,
    command: ['/bin/sleep', '60'],
    memory: MEMORY_LIMIT,
    signal: controller.signal,
    onStart: ({ pid }) => {
      resident = residentOfParent(pid);
      controller.abort();
    },
  });
  if (resident === undefined) throw new Error('the container ended before it could be looked at');
  return resident;
}

/** Measures {@link Sizes}; `helper` is the path of crt-init. */
export async function measureSizes(arena: Arena, helper: string): Promise<Sizes> {
  return { helperBytes: statSync(helper).size, monitorResident: await monitorResident(arena) };
}
