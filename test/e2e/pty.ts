import type { ExecutionContext } from 'ava';
import type { IPty } from 'node-pty';
import { CRT, descendants, ROOTFS, readProc } from './support.js';

// Optional: tests that need it are skipped without (support.ts, needingPty).
const nodePty = await import('node-pty').catch(() => undefined);

/** Milliseconds until an awaited text counts as missing. */
const PATIENCE = 60_000;

/** A shell of the host in a terminal of its own: what a person sits at. */
export class Shell {
  /** `crt run`, quoted for the shell. */
  static readonly run = `${CRT.map((word) => `'${word}'`).join(' ')} run`;
  readonly #pty: IPty;
  #screen = '';
  #seen = 0;
  #wake: (() => void) | undefined;

  constructor(t: ExecutionContext, size: { columns: number; rows: number } = { columns: 100, rows: 30 }) {
    const env = { PATH: process.env['PATH'] ?? '', TERM: 'xterm', CRT_ROOTFS: ROOTFS, PS1: 'HOST> ', HOME: '/root' };
    if (nodePty === undefined) throw new Error('node-pty is not built');
    this.#pty = nodePty.spawn('/bin/sh', ['-i'], { cols: size.columns, rows: size.rows, env, cwd: '/' });
    this.#pty.onData((text) => {
      this.#screen += text;
      this.#wake?.();
    });
    t.teardown(() => this.#pty.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#pty.pid;
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Waits until the screen says it, after what was waited for before; answers the match. */
  async see(wanted: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const match = wanted.exec(this.#screen.slice(this.#seen));
      if (match) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`never saw ${wanted} after ${JSON.stringify(this.#screen.slice(this.#seen))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Waits until a process of this name, below the shell, is in the foreground of its terminal: there keys go to it. */
  async foreground(comm: string): Promise<void> {
    const ahead = (pid: number): boolean => {
      const [, group, terminal] = /\) \S \d+ (\d+) \d+ \d+ (-?\d+)/.exec(readProc(pid, 'stat')) ?? [];
      return group !== undefined && group === terminal;
    };
    const deadline = Date.now() + PATIENCE;
    while (!descendants(comm, this.pid).some(ahead)) {
      if (Date.now() > deadline) throw new Error(`${comm} never came to the foreground: ${JSON.stringify(this.#screen)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The exit code of the last command, at the prompt. */
  async code(): Promise<number> {
    this.type('echo "code=$?."\r');
    const [, code = ''] = await this.see(/\ncode=(\d+)\./);
    await this.see(/HOST> /);
    return Number(code);
  }

  /** Runs a command of the host and answers what it printed. */
  async host(command: string): Promise<string> {
    // The markers are never what was typed.
    this.type(`printf '<''<'; ${command}; printf '>''>'\r`);
    const [, output = ''] = await this.see(/<<([\s\S]*?)>>/);
    await this.see(/HOST> /);
    return output.replaceAll('\r', '').trim();
  }
}
