import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { UserError } from './errors.js';
import { findRunning, type RunningEntry } from './find.js';
import { Control } from './launch/control.js';
import { sizeValue } from './launch/requests.js';
import { logFolder, logs } from './logs/logs.js';
import { send } from './signal-container.js';
import { type UndoContext, undoContext } from './undo.js';
import { wait } from './wait.js';

export interface AttachOptions {
  /** Input for the command; undefined: only its output is shown. */
  readonly input?: Readable;
  /** Where the output goes. With a terminal all of it is stdout. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Bytes that, typed one after the other, end the connection and leave the container alone; default Ctrl-P Ctrl-Q. Empty: none. */
  readonly detachKeys?: Uint8Array;
  /** Also what was said before. */
  readonly logs?: boolean;
  /** Ends the connection and leaves the container alone. */
  readonly signal?: AbortSignal;
}

/** A connection to a running container. */
export interface Attachment {
  readonly name: string;
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
  const entry = findRunning(name, context.roots);
  logFolder(entry);
  const end = new AbortController();
  const input = options.input && (await feed(entry, options.input, options.detachKeys ?? DETACH_KEYS, () => end.abort()));
  options.signal?.addEventListener('abort', () => end.abort(), { once: true });
  // From now on: of one that is removed at its end nobody could tell later.
  const code = wait(name, { signal: end.signal }, context).catch(() => null);
  const shown = show(name, options, end.signal, context);
  return {
    name,
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

async function ask(entry: RunningEntry, work: (control: Control) => Promise<void>): Promise<void> {
  const control = await Control.open(entry.directory, entry.inode);
  try {
    if (control) await work(control);
  } finally {
    control?.close();
  }
}

/** Copies the output; true at the end of the container, false at that of the connection. */
async function show(name: string, options: AttachOptions, signal: AbortSignal, context: UndoContext): Promise<boolean> {
  const source = logs(name, { follow: true, fromEnd: options.logs !== true }, context);
  const aborted = new Promise<'aborted'>((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
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
    socket.end(() => void ask(entry, (other) => other.request('close')).catch(() => {}));
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
