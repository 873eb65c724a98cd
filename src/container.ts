import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Launch } from './launch/launch.js';
import type { RunningContainer } from './options.js';

/** Signals that end a program, and that PID 1 of a pid namespace ignores unless it handles them. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** A container whose command runs, and why it was told to end. */
export class Container implements RunningContainer {
  readonly name: string;
  readonly pid: number;
  /** The signal that the command would have swallowed: it was killed for it. */
  forced: NodeJS.Signals | undefined;
  readonly #launch: Launch;

  constructor(name: string, pid: number, launch: Launch) {
    this.name = name;
    this.pid = pid;
    this.#launch = launch;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (ENDING.includes(signal) && swallows(this.pid, constants.signals[signal])) this.forced ??= signal;
    this.#launch.signal(this.forced === undefined ? constants.signals[signal] : constants.signals.SIGKILL);
  }
}

/** True when the process neither handles, ignores on purpose nor blocks the signal: SigCgt, SigIgn, SigBlk of proc_pid_status(5). */
function swallows(pid: number, signal: number): boolean {
  try {
    return !isMindful(readFileSync(`/proc/${pid}/status`, 'utf8'), signal);
  } catch {
    // It has just ended.
    return false;
  }
}

/** @param status the text of /proc/PID/status */
export function isMindful(status: string, signal: number): boolean {
  const bit = 1n << BigInt(signal - 1);
  return [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([0-9a-f]+)$/gm)].some(([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n);
}
