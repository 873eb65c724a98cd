import { constants } from 'node:os';
import type { RunningContainer, RunOptions } from '../index.js';

/** What a shell or a service manager sends. Stopping and resizing belong to the terminal; the rest is about crt itself. */
const RELAYED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT', 'SIGPWR'];
/** Before there is a command, these end the start. The others have nobody to go to. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
/** Milliseconds in which a second Ctrl-C means it. */
const IMPATIENT = 2000;

/** Passes the signals that crt gets to the container's command. */
export class SignalRelay {
  /** The signal that ended the start, before there was a command. */
  interrupted: NodeJS.Signals | undefined;
  readonly #abort = new AbortController();
  #container: RunningContainer | undefined;
  #lastInterrupt = Number.NEGATIVE_INFINITY;

  /** What `run` is to be given. Listens from now on; the process is expected to end with the command. */
  listen(): Pick<RunOptions, 'signal' | 'onStart'> {
    for (const signal of RELAYED) process.on(signal, () => this.#take(signal));
    return {
      signal: this.#abort.signal,
      onStart: (container) => {
        this.#container = container;
      },
    };
  }

  /** As a shell reports the end by a signal. */
  get exitCode(): number | undefined {
    return this.interrupted === undefined ? undefined : 128 + constants.signals[this.interrupted];
  }

  #take(signal: NodeJS.Signals): void {
    if (this.#container === undefined) {
      if (!ENDING.includes(signal)) return;
      this.interrupted ??= signal;
      this.#abort.abort();
      return;
    }
    this.#container.kill(signal === 'SIGINT' && this.#isSecond() ? 'SIGKILL' : signal);
  }

  #isSecond(): boolean {
    const now = performance.now();
    const second = now - this.#lastInterrupt <= IMPATIENT;
    this.#lastInterrupt = now;
    return second;
  }
}

/** For work that has things to take away: the first signal that would end crt aborts it. Listens from now on. */
export class EndingSignals {
  #ended: NodeJS.Signals | undefined;
  readonly #abort = new AbortController();

  constructor() {
    for (const name of ENDING)
      process.on(name, () => {
        this.#ended ??= name;
        this.#abort.abort();
      });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** As a shell reports the end by a signal. */
  get exitCode(): number | undefined {
    return this.#ended === undefined ? undefined : 128 + constants.signals[this.#ended];
  }
}
