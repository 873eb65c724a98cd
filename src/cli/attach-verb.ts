import { isatty } from 'node:tty';
import { attach, passOutput, UserError } from '../index.js';
import { notice } from './report.js';

/** What goes on to the command. */
const RELAYED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

export interface AttachFlags {
  readonly input: boolean;
  readonly logs?: boolean;
  readonly since?: number;
  readonly passSignals?: boolean;
  readonly detachKeys?: Uint8Array;
}

/** Connects this process to a container, up to its end or the detach keys. @returns the container's exit code */
export async function attachVerb(
  name: string,
  { input, logs = false, since, passSignals = true, detachKeys }: AttachFlags,
): Promise<number> {
  const terminal = input && isatty(0) ? process.stdin : undefined;
  const restore = (): void => void terminal?.setRawMode(false);
  try {
    const attachment = await attach(name, {
      ...(input ? { input: process.stdin } : {}),
      stdout: process.stdout,
      stderr: process.stderr,
      logs,
      ...(since === undefined ? {} : { since }),
      ...(detachKeys ? { detachKeys } : {}),
    });
    // Also where an error that nobody foresaw ends this process.
    process.once('exit', restore);
    if (input && !attachment.hasInput && !isatty(0)) notice(`${name} has no input, it was started without -i: only its output is shown`);
    // Without a terminal of its own ours stays as it is: lines are edited here, and Ctrl-C is a signal.
    if (attachment.tty && terminal) {
      terminal.setRawMode(true);
      passOutput();
    }
    const pass = (signal: NodeJS.Signals): void => void attachment.kill(signal).catch(() => {});
    // At a terminal of its own keys are what it gets; a signal is about this connection alone.
    for (const signal of passSignals && !attachment.tty ? RELAYED : []) process.on(signal, pass);
    const resize = (): void => {
      if (isatty(1)) void attachment.resize(process.stdout.rows, process.stdout.columns).catch(() => {});
    };
    process.stdout.on('resize', resize);
    resize();
    const code = await attachment.ended;
    restore();
    if (code === undefined) notice(`${name} goes on: crt attach ${name}`);
    if (code === null) throw new UserError(`nobody saw how ${name} ended`, { hint: 'crt ps -a' });
    return code ?? 0;
  } finally {
    restore();
    process.stdin.unref?.();
  }
}
