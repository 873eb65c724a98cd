import { UserError } from './errors.js';
import type { DetachOptions, RestartPolicy } from './options.js';
import type { ExitRecord } from './state/record.js';

/** Milliseconds before the first restart; each next one waits twice as long, up to the longest. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 60_000;
/** Milliseconds after which a container counts as one that came up: the next wait is the first again. */
const CAME_UP = 10_000;

/** What was done about the last ends in a row. */
export interface RestartCount {
  readonly count: number;
  /** Milliseconds that the last one waited. */
  readonly wait: number;
}

/** @throws UserError for options that contradict each other, or are out of range */
export function checkDetach({ rm, restart, log = {}, tty, stdin }: DetachOptions): void {
  void tty;
  void stdin;
  if (rm && restart !== undefined && restart.on !== 'no')
    throw new UserError('restart: a container that is removed when it ends cannot be started again', {
      hint: 'leave out --rm, or --restart',
    });
  if (restart?.retries !== undefined && (restart.on !== 'on-failure' || !Number.isSafeInteger(restart.retries) || restart.retries < 1))
    throw new UserError('restart: a number of tries goes with on-failure, and is at least 1', { hint: '--restart on-failure:3' });
  const { maxSize, maxFiles } = log;
  if (maxSize !== undefined && (!Number.isSafeInteger(maxSize) || maxSize < 4096))
    throw new UserError('log.maxSize: a log file holds at least 4096 bytes', { hint: '--log-opt max-size=10m' });
  if (maxFiles !== undefined && (!Number.isSafeInteger(maxFiles) || maxFiles < 1 || maxFiles > 1000))
    throw new UserError('log.maxFiles: 1 to 1000 files can be kept', { hint: '--log-opt max-file=3' });
  if (maxFiles !== undefined && maxFiles > 1 && maxSize === undefined)
    throw new UserError('log.maxFiles: without a largest size there is only one file', { hint: '--log-opt max-size=10m' });
}

/**
 * Whether a container that has ended is started again, and when.
 * @param ranMs how long it ran
 * @returns undefined: no; else the count, with the milliseconds to wait
 */
export function nextRestart(
  policy: RestartPolicy | undefined,
  exit: ExitRecord,
  ranMs: number,
  last: RestartCount,
): RestartCount | undefined {
  if (policy === undefined || policy.on === 'no') return undefined;
  if (policy.on === 'on-failure' && exit.exitCode === 0) return undefined;
  const count = ranMs >= CAME_UP ? 1 : last.count + 1;
  if (policy.retries !== undefined && count > policy.retries) return undefined;
  const wait = count === 1 ? FIRST_WAIT : Math.min(LONGEST_WAIT, last.wait * 2);
  return { count, wait };
}
