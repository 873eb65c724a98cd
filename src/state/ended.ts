import { CorruptFile } from './file.js';

/** How a container ended, in the monitor's words: the text of EXITED, of an answer to WAIT, and of the file `ended` (docs/plan.md). */
export interface Ended {
  /** As wait(2) gives it. */
  readonly status: number;
  /** Microseconds of processor time. */
  readonly user: number;
  readonly system: number;
  /** The signal that PID 1 would have swallowed, so that it was killed; 0: none. */
  readonly forced: number;
  /** crt was asked to send SIGKILL. */
  readonly killed: boolean;
  /** It was killed at its time limit, by the monitor. */
  readonly timedOut: boolean;
  readonly start: number;
  /** Seconds since 1970. */
  readonly finished: number;
}

/** @throws CorruptFile for what is no such text */
export function decodeEnded(text: string): Ended {
  const fields = new Map(text.split(' ').map((word) => word.split('=', 2) as [string, string]));
  const number = (name: string): number => {
    const digits = fields.get(name) ?? '';
    if (!/^\d{1,15}$/.test(digits)) throw new CorruptFile(`says no ${name}`);
    return Number(digits);
  };
  return {
    status: number('status'),
    user: number('user'),
    system: number('system'),
    forced: number('forced'),
    killed: number('killed') !== 0,
    timedOut: number('timedout') !== 0,
    start: number('start'),
    finished: number('finished'),
  };
}
