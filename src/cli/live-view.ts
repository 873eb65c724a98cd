import { writeAll } from './output.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Text on a terminal that is drawn anew in its place. The cursor is hidden meanwhile, and shown again however the process ends. */
export class LiveView {
  #lines = 0;
  #isHidden = false;

  constructor() {
    process.on('exit', () => this.close());
    // A stopped program leaves the terminal to others.
    process.on('SIGTSTP', () => {
      this.close();
      process.kill(process.pid, 'SIGSTOP');
    });
  }

  /** @param rows of the terminal: what does not fit is left out, or the place could not be found again */
  draw(text: string, rows: number): void {
    const lines = text.split('\n').slice(0, -1);
    const room = Math.max(2, rows - 1);
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`];
    const up = this.#lines === 0 ? '' : `\x1b[${this.#lines}A\r`;
    const hide = this.#isHidden ? '' : HIDE_CURSOR;
    this.#isHidden = true;
    this.#lines = shown.length;
    writeAll(1, `${hide}${up}${shown.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
  }

  /** The size has changed: lines may have been wrapped, so nobody knows where the old ones are. */
  forget(): void {
    if (this.#lines === 0) return;
    writeAll(1, '\x1b[H\x1b[2J');
    this.#lines = 0;
  }

  /** What was drawn last stays. */
  close(): void {
    if (!this.#isHidden) return;
    this.#isHidden = false;
    this.#lines = 0;
    writeAll(1, SHOW_CURSOR);
  }
}
