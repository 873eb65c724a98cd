import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { BugError, UserError } from '../errors.js';
import { asRoot } from '../format/shell-word.js';
import type { StepResult } from '../options.js';
import { opsHash } from '../plan/ops.js';
import type { HostPath } from '../plan/step.js';
import { codeOf, errnoWords } from '../state/failure.js';
import { EventDecoder } from './decoder.js';
import type { HelperEvent } from './events.js';
import { REQUEST, requestBytes, signalValue, sizeValue } from './requests.js';

/** A stream of the command, as spawn(3) of Node takes it; a number is a descriptor of ours. */
export type Stdio = 'pipe' | 'ignore' | 'inherit' | number;

export interface LaunchOptions {
  readonly helper: HostPath;
  /** Encoded: see plan/encode.ts. */
  readonly plan: Buffer;
  readonly stdio: readonly [Stdio, Stdio, Stdio];
  /** Called after the helper was told to kill: a paused container has to be let go for that. */
  readonly onKill?: () => void;
  /** Run it from a read-only view of its file: where root inside is root of the host (docs/decisions/sealed-helper.md). */
  readonly sealed?: boolean;
}

/** How the helper itself ended, when it did so without a word. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running helper: what it says, in order, and what it can be told. */
export class Launch {
  readonly steps: StepResult[] = [];
  /** Init, as the host numbers it; set by the time of `started`. */
  pid: number | undefined;
  readonly #child: ChildProcess;
  readonly #socket: (Readable & Writable) | undefined;
  readonly #decoder = new EventDecoder();
  readonly #events: HelperEvent[] = [];
  readonly #held: number[] = [];
  readonly #onKill: () => void;
  readonly #closed: Promise<Ending>;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  #greeted = false;
  #started = false;
  #ended = false;
  #left = false;

  /** Spawns the helper and hands it the plan. @throws UserError when it cannot be spawned. */
  constructor({ helper, plan, stdio, sealed = false, onKill = () => {} }: LaunchOptions) {
    this.#onKill = onKill;
    try {
      // An empty environment: nothing of the caller's reaches the helper but through the plan.
      this.#child = spawn(helper, [sealed ? 'seal' : 'run'], { cwd: '/', env: {}, stdio: [...stdio, 'pipe'] as StdioOptions });
    } catch (error) {
      throw spawnError(helper, error);
    }
    // Without any stream where spawn(2) itself failed: EMFILE comes as an event, later.
    const streams: readonly unknown[] | undefined = this.#child.stdio;
    this.#socket = streams?.[3] as (Readable & Writable) | undefined;
    this.#closed = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
      this.#child.once('error', (error) => {
        this.#fail(spawnError(helper, error));
        resolve({ code: null, signal: null });
      });
    });
    this.#socket?.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket?.on('error', (error) => this.#lose(error));
    this.#socket?.on('end', () => this.#end());
    this.#socket?.write(plan);
  }

  /** True once the command has been exec'd. */
  get started(): boolean {
    return this.#started;
  }

  get stdin(): Writable | null {
    return this.#child.stdin ?? null;
  }

  get stdout(): Readable | null {
    return this.#child.stdout ?? null;
  }

  get stderr(): Readable | null {
    return this.#child.stderr ?? null;
  }

  /** The next event of the start or of the end; hello, created and step are taken in on the way. @throws UserError when the helper is gone. */
  async next(): Promise<Extract<HelperEvent, { kind: 'report' | 'started' | 'failed' | 'typed' | 'detached' | 'exited' }>> {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) {
        if (this.#failure) throw this.#failure;
        if (this.#ended) throw await this.#explainEnd();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (event.kind === 'hello') this.#checkHash(event.hash);
      else if (event.kind === 'created') this.pid = event.pid;
      else if (event.kind === 'step') this.steps.push({ index: event.index, errno: event.errno, micros: event.micros });
      else return event;
    }
  }

  /** What an `await` waits for; may be said before. */
  proceed(): void {
    this.#request(REQUEST.continue, 0);
  }

  /** To the command, by the monitor's pidfd. Held back until the command has started. `forced`: the signal that it would have swallowed. */
  signal(signal: number, forced = 0): void {
    if (this.#started) this.#request(REQUEST.signal, signalValue(signal, forced));
    else this.#held.push(signal);
    if (this.#started && signal === constants.signals.SIGKILL) this.#onKill();
  }

  /** The command is running: signals reach it from here on. */
  start(): void {
    this.#started = true;
    for (const signal of this.#held.splice(0)) this.signal(signal);
  }

  resize(rows: number, columns: number): void {
    this.#request(REQUEST.resize, sizeValue(rows, columns));
  }

  /** The monitor's process. */
  get monitor(): number | undefined {
    return this.#child.pid;
  }

  /** Leaves the container to the monitor: nothing keeps this process any more. @throws UserError when it has ended meanwhile */
  async detach({ mayEnd = false } = {}): Promise<void> {
    this.#request(REQUEST.detach, 0);
    let event = await this.next();
    while (event.kind === 'typed') event = await this.next();
    // What is not a container of its own may have ended in that moment.
    if (event.kind !== 'detached' && !(event.kind === 'exited' && mayEnd))
      throw new BugError(`the helper said ${event.kind} where it was to be left alone`);
    this.#left = true;
    this.#socket?.destroy();
    this.#child.unref();
  }

  /** Gives up: the monitor kills what there is of the container and ends. Undoing host-visible effects stays with us. */
  abandon(): void {
    if (this.#left) return;
    this.#request(REQUEST.abort, 0);
    this.#onKill();
    this.#socket?.end();
  }

  /** After its last word: lets the helper end while we do other things. */
  async dismiss(): Promise<void> {
    this.#ended = true;
    this.#socket?.end();
    // shutdown(2) comes with the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the helper has ended and all of the command's output has been read; at once where it was left alone. */
  async closed(): Promise<void> {
    if (!this.#left) await this.#closed;
  }

  #request(kind: number, value: number): void {
    if (!this.#ended) this.#socket?.write(requestBytes(kind, value));
  }

  #receive(chunk: Buffer): void {
    try {
      this.#events.push(...this.#decoder.push(chunk));
    } catch (error) {
      this.#fail(error as Error);
      this.abandon();
    }
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#end();
  }

  /** EPIPE and ECONNRESET: the helper is gone already, and the end of the stream says so better. */
  #lose(error: Error & { code?: string }): void {
    if (error.code === 'EPIPE' || error.code === 'ECONNRESET') this.#end();
    else this.#fail(new UserError(`cannot talk to the helper crt-init: ${error.message}`, { hint: 'try again', cause: error }));
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #checkHash(hash: bigint): void {
    this.#greeted = true;
    if (hash === opsHash()) return;
    this.abandon();
    throw new UserError('helper/crt-init is of another version than crt', { hint: 'make -C helper', check: 'helper' });
  }

  async #explainEnd(): Promise<Error> {
    const { code, signal } = await this.#closed;
    if (this.#failure) return this.#failure;
    if (!this.#greeted) {
      return new UserError(
        `helper/crt-init ended before its first word (${signal ?? `exit code ${code}`}): it is damaged, or not for this machine`,
        {
          hint: 'make -C helper clean crt-init',
          check: 'helper',
        },
      );
    }
    if (signal) {
      return new UserError(`the monitor (crt-init) was killed by ${signal}, and the container with it`, {
        hint: 'if nobody did that on purpose: is the machine out of memory? dmesg | tail',
      });
    }
    return new BugError(`crt-init ended without a word (exit code ${code}${this.#decoder.isPartial ? ', in the middle of a record' : ''})`);
  }
}

/** What makes /dev/null where it is missing, as root. */
export const MAKE_NULL = 'mknod -m 666 /dev/null c 1 3';
const LOOK_AT_NULL = 'ls -l /dev/null; findmnt -T /dev/null';
/** What keeps any file from being opened. */
const SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** Why /dev/null cannot be opened, which `ignore` takes for a stream: Node blames the program for that (errno(3)). */
function nullCode(): string | undefined {
  try {
    closeSync(openSync('/dev/null', 'r+'));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function spawnError(helper: string, cause: unknown): UserError {
  const code = codeOf(cause) ?? 'unknown error';
  if (!SHORTAGES.has(code) && nullCode() === code) {
    return new UserError(`cannot start ${helper}: /dev/null cannot be opened, which is to be its input or output: ${errnoWords(cause)}`, {
      ...(code === 'ENOENT' ? asRoot([MAKE_NULL], LOOK_AT_NULL) : { hint: LOOK_AT_NULL }),
      check: 'masks',
      cause,
    });
  }
  const words: Record<string, string> = {
    EMFILE: 'too many open files',
    ENFILE: 'the machine has too many open files',
    EAGAIN: 'too many processes',
    ENOMEM: 'out of memory',
    EACCES: 'permission denied',
    ENOEXEC: 'not a program for this machine',
    ENOENT: 'no such file',
  };
  const hints: Record<string, string> = {
    EMFILE: 'raise the limit: ulimit -n 1024',
    EAGAIN: 'raise the limit: ulimit -u, or the pids limit of the cgroup that crt runs in',
    ENOEXEC: 'make -C helper clean crt-init',
    EACCES: 'is the folder mounted noexec? findmnt -T .',
  };
  return new UserError(`cannot start ${helper}: ${words[code] ?? code}`, {
    ...(hints[code] ? { hint: hints[code] } : {}),
    ...(/^(EACCES|ENOEXEC|ENOENT)$/.test(code) ? { check: 'helper' } : {}),
    cause,
  });
}
