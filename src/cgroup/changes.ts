import { existsSync } from 'node:fs';
import { UserError } from '../errors.js';
import { formatBytes } from '../spec/size.js';
import type { Resources } from '../spec/types.js';
import { applyLimits } from './directory.js';
import { isErrno, readNumber, readText, writeText } from './files.js';
import type { LimitWrite } from './limits.js';

/*
 * Limits of a container that runs. A new cgroup has no limits, so the lists of limits.ts say nothing where none is asked for;
 * here "none" has to be written, too.
 */

/** The largest size that version 1 takes: it reads back as the largest multiple of a page below. */
const NO_LIMIT_V1 = (2n ** 63n - 1n).toString();

/** Writes of version 1 for what is to be without a limit from now on. */
export function liftedV1({ memory, pids }: Resources): LimitWrite[] {
  return [
    ...(isLifted(memory?.swap) ? [lifted('memory', 'memory.memsw.limit_in_bytes', NO_LIMIT_V1, 'size')] : []),
    ...(isLifted(pids?.limit) ? [lifted('pids', 'pids.max', 'max')] : []),
  ];
}

/** The same for version 2. */
export function liftedV2({ memory, pids }: Resources): LimitWrite[] {
  return [
    ...(isLifted(memory?.swap) ? [lifted('memory', 'memory.swap.max', 'max')] : []),
    ...(isLifted(pids?.limit) ? [lifted('pids', 'pids.max', 'max')] : []),
  ];
}

function isLifted(amount: number | bigint | undefined): boolean {
  return amount !== undefined && amount < 0;
}

function lifted(controller: LimitWrite['controller'], file: string, value: string, kind: LimitWrite['kind'] = 'exact'): LimitWrite {
  return { controller, file, value, optional: true, kind, hint: 'leave it out, or give a number' };
}

/** Version 1 keeps memory ≤ memory plus swap at any moment: what would break that if it came second comes first. */
export function inOrder(writes: readonly LimitWrite[], memory: string | undefined): readonly LimitWrite[] {
  const swap = writes.find(({ file }) => file === 'memory.memsw.limit_in_bytes');
  const limit = writes.find(({ file }) => file === 'memory.limit_in_bytes');
  if (memory === undefined || swap === undefined || limit === undefined) return writes;
  const now = readText(`${memory}/${swap.file}`);
  if (now === undefined || BigInt(limit.value) <= BigInt(now)) return writes;
  return [swap, ...writes.filter((write) => write !== swap)];
}

/** Puts back what {@link change} has written. Never throws: there is an error already that says more. */
export type PutBack = () => void;

/**
 * Writes the limits in order, each read back. When one fails, those before it get their old values again.
 * @returns what takes all of it back.
 * @throws UserError
 */
export function change(writes: readonly LimitWrite[], directoryOf: (write: LimitWrite) => string): PutBack {
  const before: { readonly path: string; readonly value: string }[] = [];
  const putBack = (): void => {
    for (const { path, value } of [...before].reverse()) rewrite(path, value);
  };
  try {
    for (const write of writes) {
      const path = `${directoryOf(write)}/${write.file}`;
      const value = readText(path);
      // Also before a write that fails: the kernel may have taken another value than the one asked for.
      if (value !== undefined) before.push({ path, value });
      applyLimits([write], directoryOf);
    }
    return putBack;
  } catch (error) {
    putBack();
    throw error;
  }
}

function rewrite(path: string, value: string): void {
  try {
    // An empty list is written as an empty line: a write of no bytes does nothing.
    writeText(path, value === '' ? '\n' : value);
  } catch {
    // It is as it was, or the cgroup is gone.
  }
}

/** What a limit below the use comes to, in words. @param usage bytes, and what of it the kernel cannot take back now */
export function belowUse(name: string, limit: number | bigint, usage: number | undefined, cause?: unknown): UserError {
  const use = usage === undefined ? 'more' : formatBytes(usage);
  return new UserError(
    `${name} uses ${use} of memory, which cannot be brought below the new limit of ${formatBytes(Number(limit))}; nothing was changed`,
    { hint: 'give a limit above its use (crt stats --no-stream), or end what uses it (crt top)', cause },
  );
}

/** True for the kernel's answer on version 1 to a limit that it could not bring the use below. */
export function isBelowUse(error: unknown): boolean {
  return error instanceof UserError && /memory\.(memsw\.)?limit_in_bytes/.test(error.message) && isErrno(error.cause, 'EBUSY');
}

const ROUNDS = 5;

/**
 * Version 2 would kill to get below a new limit. So the use is brought below it first (memory.reclaim, from Linux 5.19; before
 * that the size of the page cache tells whether the kernel can).
 * @throws UserError when that does not work: the limit is still the old one.
 */
export function shrinkFirst(directory: string, name: string, limit: number | bigint): void {
  const usage = (): number => readNumber(`${directory}/memory.current`) ?? 0;
  for (let round = 0; round < ROUNDS && usage() > limit; round++) {
    try {
      writeText(`${directory}/memory.reclaim`, String(usage() - Number(limit)));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) break;
      // EAGAIN: less than that could be reclaimed.
      if (!isErrno(error, 'EAGAIN')) throw error;
    }
  }
  if (usage() - reclaimable(directory) > limit) throw belowUse(name, limit, usage());
}

/** With memory.reclaim nothing is left to hope for. */
function reclaimable(directory: string): number {
  if (existsSync(`${directory}/memory.reclaim`)) return 0;
  const stat = readText(`${directory}/memory.stat`) ?? '';
  const read = (key: string): number => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return read('inactive_file') + read('active_file');
}
