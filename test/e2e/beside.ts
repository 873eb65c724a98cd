import type { ExecutionContext } from 'ava';
import { type ExecOptions, type ExecResult, exec, type RunningContainer, type RunOptions, run } from '../../src/index.js';
import { box, ROOTFS } from './support.js';

/** Runs a container while `during` lasts. Its command waits for nothing. */
export async function beside(
  t: ExecutionContext,
  during: (name: string, container: RunningContainer) => Promise<void>,
  options: Partial<RunOptions> = {},
): Promise<void> {
  const name = box(t);
  let work: Promise<void> | undefined;
  await run({
    name,
    rootfs: ROOTFS,
    command: ['sleep', '1000'],
    ...options,
    onStart: (container) => {
      work = during(name, container).finally(() => container.kill('SIGKILL'));
      work.catch(() => {});
    },
  });
  await work;
}

/** Runs a shell script in a container that runs. */
export function shell(name: string, text: string, options: Partial<ExecOptions> = {}): Promise<ExecResult> {
  return exec(name, { command: ['sh', '-c', text], ...options });
}
