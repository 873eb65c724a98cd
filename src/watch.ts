import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import { UserError } from './errors.js';
import type { Launch } from './launch/launch.js';
import type { RunOptions } from './options.js';

/** Time and the caller's wish: ends a container by its timeout or by an abort, and remembers which. */
export class Watch {
  timedOut = false;
  canceled = false;
  /** Milliseconds of CLOCK_MONOTONIC, as the kernel's log counts them. */
  readonly startedMonotonic = Number(process.hrtime.bigint() / 1_000_000n);
  readonly #started = performance.now();
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #gaveUp = false;
  #launch: Launch | undefined;

  readonly #what: string;

  /** @param what is started, for its messages */
  constructor({ signal, timeout }: Pick<RunOptions, 'signal' | 'timeout'>, what = 'the container') {
    signal?.throwIfAborted();
    this.#signal = signal;
    this.#timeout = timeout;
    this.#what = what;
  }

  /** From here on the helper can be told. The timeout counts from here: it includes the start. */
  guard(launch: Launch): void {
    this.#launch = launch;
    this.#signal?.addEventListener('abort', this.cancel, { once: true });
    // While the terminal was opened, or by the caller's own `onPlan`.
    if (this.#signal?.aborted) this.cancel();
    if (this.#timeout === undefined) return;
    this.#timer = setTimeout(() => {
      this.timedOut = true;
      this.#kill();
    }, this.#timeout);
  }

  readonly cancel = (): void => {
    this.canceled = true;
    this.#kill();
  };

  /** The command has said too much: held back, where its first output comes before the news of its start. */
  readonly silence = (): void => {
    this.canceled = true;
    this.#launch?.signal(constants.signals.SIGKILL);
  };

  /** What to throw for a start that was given up, also when the command began in that moment: undefined when it was not. */
  get givenUp(): UserError | undefined {
    if (!this.#gaveUp) return undefined;
    if (this.timedOut)
      return new UserError(`${this.#what} was not started within its timeout of ${this.#timeout} ms`, {
        hint: 'allow more: --timeout',
        exitCode: 124,
      });
    return new UserError('the start was canceled');
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.cancel);
  }

  /** Milliseconds since the call of `run`. */
  elapsed(): number {
    return performance.now() - this.#started;
  }

  #kill(): void {
    // Before the command runs there is only the start to give up.
    if (this.#launch?.started) {
      this.#launch.signal(constants.signals.SIGKILL);
      return;
    }
    this.#gaveUp = true;
    this.#launch?.abandon();
  }
}
