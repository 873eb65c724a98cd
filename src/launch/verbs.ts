import { spawnSync } from 'node:child_process';
import { UserError } from '../errors.js';
import { helperPath } from './helper-path.js';

/** What Node cannot do itself: signals by pidfd, and extended attributes. */
export interface HelperVerbs {
  /** Kills every process listed in these cgroup.procs files and returns when there are none left. @throws UserError */
  kill(procs: readonly string[]): void;
  /** Sends a signal to exactly this process; nothing happens when it is gone. `signal` is a number of signal(7). @throws UserError */
  signal(pid: number, startTime: number, signal: number): void;
  /** Which of these open folders, in an overlay's upper directory, hide what the lower one has there. @throws UserError */
  opaque(folders: readonly number[]): readonly boolean[];
}

/** The verbs of `crt-init`, each one short call of it. `helper` is its path; looked up at the first call when omitted. */
export function helperVerbs(helper?: string): HelperVerbs {
  const call = (...words: readonly string[]): void => void runVerb(helper ?? helperPath(), words);
  return {
    kill: (procs) => call('kill', ...procs),
    signal: (pid, startTime, signal) => call('signal', String(pid), String(startTime), String(signal)),
    opaque: (folders) => {
      const answers = runVerb(helper ?? helperPath(), ['opaque'], folders).toString();
      return folders.map((_, index) => answers[index] === 'y');
    },
  };
}

/** Longer than any kill or removal should take; a process in uninterruptible sleep can hold one up for good. */
const TIMEOUT_MS = 60_000;
function runVerb(helper: string, words: readonly string[], open: readonly number[] = []): Buffer {
  const { error, status, signal, stdout, stderr } = spawnSync(helper, words, {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', ...open],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return stdout;
  const what = `crt-init ${words[0]} failed`;
  if (error && 'code' in error && error.code === 'ETIMEDOUT')
    throw new UserError(`${what}: not done after ${TIMEOUT_MS / 1000} seconds`, { cause: error });
  if (error) {
    const isStarved = 'code' in error && /^(EMFILE|ENFILE|EAGAIN)$/.test(String(error.code));
    const more = isStarved ? {} : { hint: 'run `make -C helper`', check: 'helper' as const };
    throw new UserError(`${what}: ${error.message}`, { ...more, cause: error });
  }
  throw new UserError(`${what}: ${stderr.toString().trim().slice(0, 1000) || (signal ?? `exit code ${status}`)}`);
}
