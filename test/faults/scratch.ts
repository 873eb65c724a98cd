import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { dir } from 'tmp-promise';
import type { Result, RunOptions } from '../../src/index.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
export const HELPER = `${repository}helper/crt-init`;

/** A copy of the built package with a helper of its own. */
export interface PackageCopy {
  readonly directory: string;
  /** The library of the copy. */
  run(options: RunOptions): Promise<Result>;
  /** Writes a file of the copy. */
  write(file: string, content: string): void;
}

/** A copy of the built package whose helper runs under strace(1). */
export interface TracedPackage extends PackageCopy {
  /** Words for strace of the next runs: what to trace and what to inject. */
  trace(words: readonly string[]): void;
  /** What strace wrote of the last run. */
  log(): string;
}

/** The path of strace, undefined where it is not installed. */
export function findStrace(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v strace'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** Makes a copy whose helper is this script. Removed at the test's end. */
export async function packageCopy(t: ExecutionContext, script: (copy: { directory: string }) => string): Promise<PackageCopy> {
  const { path, cleanup } = await dir({ unsafeCleanup: true, prefix: 'crt-faults' });
  t.teardown(cleanup);
  const directory = realpathSync(path);
  for (const part of ['package.json', 'dist', 'bin']) cpSync(`${repository}${part}`, `${directory}/${part}`, { recursive: true });
  mkdirSync(`${directory}/helper`);
  writeFileSync(`${directory}/helper/crt-init`, script({ directory }));
  chmodSync(`${directory}/helper/crt-init`, 0o755);
  const library = (await import(`${directory}/dist/index.js`)) as { run(options: RunOptions): Promise<Result> };
  return {
    directory,
    run: (options) => library.run(options),
    write: (file, content) => writeFileSync(`${directory}/${file}`, content),
  };
}

/**
 * Makes the copy; strace lets go of a process at its exec, so only the helper is meant. And only the start: a fault in the verb that
 * kills what a start has left would be a second one.
 */
export async function tracedPackage(t: ExecutionContext, strace: string): Promise<TracedPackage> {
  const words = (directory: string): string => `${strace} -f -b execve -qq -o ${directory}/log $(cat ${directory}/words)`;
  const copy = await packageCopy(
    t,
    ({ directory }) => `#!/bin/sh\n[ "$1" = run ] || exec ${HELPER} "$@"\nexec ${words(directory)} ${HELPER} "$@"\n`,
  );
  return {
    ...copy,
    trace: (given) => copy.write('words', given.join(' ')),
    log: () => readFileSync(`${copy.directory}/log`, 'utf8'),
  };
}

/** How often each process of the helper calls each system call, at most: strace counts for each process apart. */
export function countCalls(log: string): Map<string, number> {
  const perProcess = new Map<string, number>();
  for (const [, pid, call] of log.matchAll(/^(\d+) +([a-z0-9_]+)\(/gm)) {
    const key = `${pid} ${call}`;
    perProcess.set(key, (perProcess.get(key) ?? 0) + 1);
  }
  const most = new Map<string, number>();
  for (const [key, count] of perProcess) {
    const call = key.split(' ')[1] ?? '';
    most.set(call, Math.max(most.get(call) ?? 0, count));
  }
  return most;
}
