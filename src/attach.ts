import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { UserError } from './errors.js';
import { find, findRunning, type RunningEntry } from './find.js';
import { readKeptOptions } from './kept-options.js';
import { Control } from './launch/control.js';
import { sizeValue } from './launch/requests.js';
import { type LogMark, markEnd } from './logs/files.js';
import { logFolder, logs } from './logs/logs.js';
import { send } from './signal-container.js';
import { initAlive } from './state/status.js';
import { type UndoContext, undoContext } from './undo.js';
import { wait } from './wait.js';

export interface AttachOptions {
  /** Input for the command; undefined: only its output is shown. So it is of a container that was started without `stdin`. */
  readonly input?: Readable;
  /** Where the output goes. With a terminal all of it is stdout. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Bytes that, typed one after the other, end the connection and leave the container alone; default Ctrl-P Ctrl-Q at a terminal, none elsewhere. Empty: none. */
  readonly detachKeys?: Uint8Array;
  /** Also what was said before. */
  readonly logs?: boolean;
  /** Also what was said from then on, milliseconds since 1970; and no matter if it has ended meanwhile. */
  readonly since?: number;
  /** Ends the connection and leaves the container alone. */
  readonly signal?: AbortSignal;
}

/** A connection to a running container. */
export interface Attachment {
  readonly name: string;
  /** Its command has a terminal. */
  readonly tty: boolean;
  /** It was started with `stdin`, and can be typed to. */
  readonly hasInput: boolean;
  /** To its command. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Of its terminal; nothing happens without one. */
  resize(rows: number, columns: number): Promise<void>;
  /** The exit code, null when nobody saw it; undefined when the connection was ended and the container goes on. */
  readonly ended: Promise<number | null | undefined>;
}

/** Ctrl-P Ctrl-Q, as docker's fingers know it. */
const DETACH_KEYS = Uint8Array.of(16, 17);

/**
 * Connects to the input and the output of a detached container. Its output comes from its log: a reader that is slow holds up nobody.
 * @throws NoContainerError; UserError when it does not run or has no log; when somebody else types already, or it has no input
 */
export async function attach(name: string, options: AttachOptions, context: UndoContext = undoContext()): Promise<Attachment> {
  const seen = find(name, context.roots);
  if (options.since !== undefined && !initAlive(seen) && seen.record !== undefined) return afterTheEnd(name, options, context);
  const entry = findRunning(name, context.roots);
  // Before any input: what that is answered belongs to us.
  const mark = markEnd(logFolder(entry));
  const end = new AbortController();
  const { tty = false, stdin = false } = readKeptOptions(entry.record) ?? {};
  const source = stdin ? options.input : undefined;
  const keys = options.detachKeys ?? (source && 'isTTY' in source && source.isTTY ? DETACH_KEYS : new Uint8Array());
  const input = source && (await feed(entry, source, keys, () => end.abort()));
  // From the beginning: one that is removed at its end tells nobody who asks later.
  const code = wait(name, { signal: end.signal }, context).catch(() => null);
  if (options.signal?.aborted) end.abort();
  options.signal?.addEventListener('abort', () => end.abort(), { once: true });
  const shown = show(name, { ...options, ...(mark ? { from: mark } : {}) }, end.signal, context);
  return {
    name,
    tty: tty !== false,
    hasInput: stdin,
    kill: (signal) => send(entry, constants.signals[signal], context),
    resize: (rows, columns) => ask(entry, (control) => control.request('resize', sizeValue(rows, columns))),
    ended: shown
      .then((isOver) => (isOver ? code : undefined))
      .finally(() => {
        input?.stop();
        end.abort();
      }),
  };
}

/** It was faster than we: what it said, and how it ended, is all there. */
function afterTheEnd(name: string, options: AttachOptions, context: UndoContext): Attachment {
  const shown = show(name, options, options.signal ?? new AbortController().signal, context);
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    name,
    tty: false,
    hasInput: false,
    kill: nothing,
    resize: nothing,
    ended: shown.then((isOver) => (isOver ? wait(name, {}, context) : undefined)),
  };
}

async function ask(entry: RunningEntry, work: (control: Control) => Promise<void>): Promise<void> {
  const control = await Control.open(entry.directory, entry.inode);
  try {
    if (control) await work(control);
  } finally {
    control?.close();
  }
}

/** Copies the output; true at the end of the container, false at that of the connection. */
async function show(
  name: string,
  options: AttachOptions & { readonly from?: LogMark },
  signal: AbortSignal,
  context: UndoContext,
): Promise<boolean> {
  const { since, from, logs: isAll } = options;
  const part = since !== undefined ? { since } : isAll || from === undefined ? {} : { from };
  const source = logs(name, { follow: true, ...part }, context);
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal.aborted) resolve('aborted');
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  for (;;) {
    const next = await Promise.race([source.next(), aborted]);
    if (next === 'aborted') {
      void source.return(undefined);
      return false;
    }
    if (next.done) return true;
    const target = next.value.stream === 'stdout' ? options.stdout : options.stderr;
    if (!target.write(next.value.bytes)) await Promise.race([new Promise((resolve) => target.once('drain', resolve)), aborted]);
  }
}

/** Passes the input on. Its end is the end of the command's input. */
async function feed(entry: RunningEntry, source: Readable, keys: Uint8Array, detach: () => void): Promise<{ stop(): void }> {
  const control = await Control.open(entry.directory, entry.inode);
  if (control === undefined)
    throw new UserError(`${entry.name} has no monitor: nobody can pass input on`, { hint: `crt logs -f ${entry.name}` });
  const socket = await control.attach().catch((error: unknown) => {
    control.close();
    throw error;
  });
  const scan = new KeyScan(keys);
  const take = (chunk: Buffer): void => {
    const { bytes, isDetach } = scan.push(chunk);
    if (bytes.length > 0 && !socket.write(bytes)) {
      source.pause();
      socket.once('drain', () => source.resume());
    }
    if (isDetach) detach();
  };
  const close = (): void => {
    socket.end(scan.rest(), () => void ask(entry, (other) => other.request('close')).catch(() => {}));
  };
  source.on('data', take).once('end', close);
  return {
    stop: () => {
      source.off('data', take).off('end', close).pause();
      socket.destroy();
    },
  };
}

/** Finds the keys that end the connection; what may be the beginning of them is held back. */
export class KeyScan {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = Buffer.from(keys);
  }

  /** What was held back, when nothing more comes. */
  rest(): Buffer {
    return this.#keys.subarray(0, this.#matched);
  }

  push(chunk: Buffer): { bytes: Buffer; isDetach: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (this.#keys.length > 0 && byte === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { bytes: Buffer.from(out), isDetach: true };
        continue;
      }
      out.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { bytes: Buffer.from(out), isDetach: false };
  }
}
