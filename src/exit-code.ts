import { constants } from 'node:os';
import type { Ended } from './state/ended.js';

/** As docker and timeout(1) say it. */
const TIMEOUT_CODE = 124;

/** What a shell reports, and the signal that ended it. With a reaper PID 1 ends by exit codes alone. */
export interface ExitCode {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  /** It was SIGKILL, whoever sent it. */
  readonly byKill: boolean;
}

/** @param timedOut also where a supervisor has seen to the time limit */
export function exitCodeOf(ended: Ended, isReaping: boolean, timedOut = ended.timedOut): ExitCode {
  const killed = ended.status & 0x7f;
  const code = killed ? 128 + killed : (ended.status >> 8) & 0xff;
  const byKill = killed === constants.signals.SIGKILL || (isReaping && code === 128 + constants.signals.SIGKILL);
  const signal = ended.forced || killed;
  const exitCode = timedOut ? TIMEOUT_CODE : ended.forced ? 128 + ended.forced : code;
  return { exitCode, signal: signal ? signalName(signal) : undefined, byKill };
}

/** `SIGTERM` for 15; of the real-time ones `SIG34` … */
export function signalName(number: number): NodeJS.Signals {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number);
  return (entry?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
