import { isatty } from 'node:tty';
import { openTerminal } from './launch/terminal.js';
import { callerTerminal, madeTerminal, plainStreams, type StreamOptions, type Streams } from './streams.js';
import type { Watch } from './watch.js';

/** The streams that the options ask for: a terminal for a command that is to have one, the caller's own where that is one. */
export async function openStreams(options: StreamOptions, watch: Watch): Promise<Streams> {
  if (!options.tty) return plainStreams(options, watch.silence);
  if (options.input === 'inherit' && options.stdout === 'inherit' && isatty(0) && isatty(1)) return callerTerminal();
  const size = options.tty === true ? { rows: 24, columns: 80 } : options.tty;
  return madeTerminal(await openTerminal(size), options, watch.silence);
}
