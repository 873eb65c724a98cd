import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../errors.js';
import { decodeEnded, type Ended } from '../state/ended.js';
import { codeOf, errnoName } from '../state/failure.js';
import { REQUEST, requestBytes } from './requests.js';

const REPLY_BYTES = 8;
/** Milliseconds that a monitor has to answer; one that is stopped, or hangs in the kernel, never does. */
const PATIENCE = 2000;

/** A connection to the monitor of a container: what it is asked reaches this very container, whatever has its numbers or its name by then. */
export class Control {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #attached = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
  }

  /**
   * Connects to the socket in a state folder of this inode.
   * @returns undefined when nobody listens: the monitor is dead, or the folder is another one by now.
   */
  static async open(directory: string, inode: number): Promise<Control | undefined> {
    let folder: number | undefined;
    try {
      folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      if (fstatSync(folder).ino !== inode) return undefined;
      // By descriptor: the path of the folder may be longer than an address of a socket, unix(7).
      const socket = await connect(`/proc/self/fd/${folder}/control`);
      socket.pause();
      return new Control(socket);
    } catch (error) {
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTDIR', 'ENOTSOCK'].includes(codeOf(error) ?? '')) return undefined;
      throw error;
    } finally {
      if (folder !== undefined) closeSync(folder);
    }
  }

  /** @throws UserError with the errno of the monitor's refusal; MonitorSilent; also when it ends before it has answered */
  async request(kind: Exclude<keyof typeof REQUEST, 'wait' | 'attach'>, value = 0): Promise<void> {
    const { error } = await this.#inTime(this.#ask(kind, value));
    if (error !== 0) throw refusal(error);
  }

  /** The end of the container, in its monitor's words; undefined when the monitor dies before it can tell. */
  async wait(): Promise<Ended | undefined> {
    try {
      return decodeEnded((await this.#ask('wait', 0)).text);
    } catch (error) {
      if (error instanceof MonitorGone) return undefined;
      throw error;
    }
  }

  /** Resolves when the monitor has ended, and so all is cleaned up that it had cleaned up. */
  async gone(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.resume();
    await closed;
  }

  /** What is written to the socket from now on is input for the command. @throws UserError when somebody else is attached, or it has no input */
  async attach(): Promise<Socket> {
    const { error } = await this.#inTime(this.#ask('attach', 0));
    if (error !== 0) throw refusal(error);
    this.#attached = true;
    return this.#socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.close();
        reject(new MonitorSilent());
      }, PATIENCE);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      answer.catch(() => {});
      clearTimeout(timer);
    }
  }

  async #ask(kind: keyof typeof REQUEST, value: number): Promise<{ error: number; text: string }> {
    if (this.#attached) throw new TypeError('the connection carries input');
    this.#socket.write(requestBytes(REQUEST[kind], value));
    const head = await this.#take(REPLY_BYTES);
    const text = await this.#take(head.readUInt32LE(4));
    return { error: head.readUInt32LE(0), text: text.toString('utf8') };
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const chunk = await this.#next();
      this.#rest = Buffer.concat([this.#rest, chunk]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  #next(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      const settle = (): void => {
        socket.off('readable', read).off('close', end).off('end', end);
      };
      const read = (): void => {
        const chunk: Buffer | null = socket.read();
        if (chunk === null) return;
        settle();
        resolve(chunk);
      };
      const end = (): void => {
        settle();
        reject(new MonitorGone());
      };
      if (socket.destroyed || socket.readableEnded) return reject(new MonitorGone());
      socket.on('readable', read).on('close', end).on('end', end);
      read();
    });
  }
}

/** It listens and does not answer. */
export class MonitorSilent extends UserError {
  constructor() {
    super(`the monitor does not answer: it was stopped, or it is cleaning up`, {
      hint: 'see its state: crt ps -a; ps -C crt-init -o pid,stat,args',
    });
  }
}

class MonitorGone extends UserError {
  constructor() {
    super('the container ended, or its monitor was killed, before it could answer', { hint: 'crt ps -a' });
  }
}

function refusal(errno: number): UserError {
  const words: Record<string, string> = {
    EBUSY: 'somebody else is attached to it',
    EPIPE: 'it has no input: it was started without -i, or has closed it',
    ESRCH: 'it has ended',
  };
  const name = errnoName(errno);
  return new UserError(words[name] ?? `the monitor refused: ${name}`);
}

/** Where more want to connect at once than the socket queues (EAGAIN, connect(2)), each tries again for a while. */
async function connect(path: string): Promise<Socket> {
  for (const end = performance.now() + PATIENCE; ; await delay(20)) {
    const socket = createConnection({ path });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      if (performance.now() > end) throw new MonitorSilent();
    }
  }
}
