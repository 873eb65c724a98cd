import type { ExecutionContext } from 'ava';
import { type DetachOptions, type LogOptions, list, logs, NoContainerError, remove, runDetached } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { box, ROOTFS, readProc } from './support.js';

/** What tests of detached containers share. */

/** A detached container that is removed at the end of the test. */
export async function detached(t: ExecutionContext, command: readonly string[], options: Partial<DetachOptions> = {}): Promise<string> {
  const name = ownBox(t);
  await runDetached({ name, rootfs: ROOTFS, command, ...options });
  return name;
}

/** A name whose container is removed at the end of the test. */
export function ownBox(t: ExecutionContext): string {
  const name = box(t);
  t.teardown(() => removeIfThere(name));
  return name;
}

export function removeIfThere(name: string): void {
  try {
    remove(name, { force: true });
  } catch (error) {
    if (!(error instanceof NoContainerError)) throw error;
  }
}

export async function said(name: string, options: LogOptions = {}): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of logs(name, options)) texts[stream] += bytes.toString();
  return texts;
}

/** Follows the log until it says a text. */
export async function saying(name: string, text: string): Promise<void> {
  let all = '';
  for await (const { bytes } of logs(name, { follow: true })) {
    all += bytes.toString();
    if (all.includes(text)) return;
  }
  throw new Error(`${name} ended without ${JSON.stringify(text)}: ${JSON.stringify(all)}`);
}

export const stateOf = (name: string): string | undefined => list({ all: true, filter: [`name=^${name}$`] })[0]?.status;

/** Numbers of the monitor and of PID 1. */
export function pidsOf(name: string): { monitor: number; init: number } {
  const { monitor, init } = read(stateRoots(), name) ?? {};
  if (monitor === undefined || init === undefined) throw new Error(`nobody runs ${name}`);
  return { monitor: monitor.pid, init: init.pid };
}

/** State letter of proc_pid_stat(5); undefined when there is no such process. */
export function letter(pid: number): string | undefined {
  return /\) (\S)/.exec(readProc(pid, 'stat'))?.[1];
}
