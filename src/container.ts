import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Launch } from './launch/launch.js';
import type { RunningContainer } from './options.js';

/** Signals that end a program, and that PID 1 of a pid namespace ignores unless it handles them. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Milliseconds after a key in which PID 1 may come to handle the signal. */
const TYPED_PATIENCE = 200;

/** A container whose command runs. */
export class Container implements RunningContainer {
  readonly name: string;
  readonly pid: number;
  readonly #launch: Launch;

  constructor(name: string, pid: number, launch: Launch) {
    this.name = name;
    this.pid = pid;
    this.#launch = launch;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#launch.signal(...toSend(this.pid, constants.signals[signal]));
  }

  /**
   * The container's terminal has made this signal of a key, for PID 1's own group. Judged a moment later: a shell that is about to start a job
   * does not handle it just then either, and must not be killed for that.
   */
  typed(signal: number): void {
    setTimeout(() => {
      const [sent, forced] = toSend(this.pid, signal);
      if (forced !== 0) this.#launch.signal(sent, forced);
    }, TYPED_PATIENCE).unref();
  }
}

/**
 * What is sent in the place of a signal to PID 1 of a pid namespace, which ignores what it does not handle (pid_namespaces(7)): of one
 * that it would swallow and that ends programs, SIGKILL, and the number of that one; else the signal itself, and 0.
 */
export function toSend(pid: number, signal: number): readonly [signal: number, forced: number] {
  const isForced = ENDING.some((name) => constants.signals[name] === signal) && swallows(pid, signal);
  return isForced ? [constants.signals.SIGKILL, signal] : [signal, 0];
}

/** True when the process neither handles, ignores on purpose, blocks nor waits for the signal: SigCgt, SigIgn, SigBlk of proc_pid_status(5). */
function swallows(pid: number, signal: number): boolean {
  const minds = (): boolean => {
    const status = readProc(pid, 'status');
    // It has just ended: nothing is swallowed.
    return status === undefined || isMindful(status, signal);
  };
  // Once more at the end: it may have come back from its wait between the first two looks.
  return !minds() && !waitsForSignals(readProc(pid, 'syscall') ?? '') && !minds();
}

/** rt_sigtimedwait(2) by process.arch: what sigwaitinfo(3) is made of. */
const SIGTIMEDWAIT: Readonly<Record<string, number>> = { x64: 128, arm64: 137 };

/**
 * True in a process that waits for signals: the kernel shows them as not blocked then. tini and our own reaper do little else.
 * @param syscall the text of /proc/PID/syscall
 */
export function waitsForSignals(syscall: string, arch: string = process.arch): boolean {
  return Number.parseInt(syscall, 10) === SIGTIMEDWAIT[arch];
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param status the text of /proc/PID/status */
export function isMindful(status: string, signal: number): boolean {
  const bit = 1n << BigInt(signal - 1);
  return [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([0-9a-f]+)$/gm)].some(([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n);
}
