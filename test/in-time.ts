import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** How tests wait: never without an end. One that hangs has no name, and ava waits with it. */

/** Milliseconds until what is waited for counts as missing: far more than it takes on a busy machine. */
export const PATIENCE = 90_000;

/** What is awaited; after so many milliseconds an error that says what that was. */
export async function inTime<T>(what: string | (() => string), awaited: PromiseLike<T>, ms: number = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms / 1000} s: ${typeof what === 'string' ? what : what()}`)), ms);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For a state that no event tells of. */
export async function holds(what: () => boolean, title = String(what)): Promise<void> {
  for (const end = performance.now() + PATIENCE; !what(); await delay(20)) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${title}`);
  }
}

/** How a child process has ended, also long ago: then its event comes no more. */
export async function exited(child: ChildProcess): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null)
    await inTime(`the end of process ${child.pid}: ${child.spawnargs.join(' ')}`, once(child, 'exit'));
  return [child.exitCode, child.signalCode];
}

/** Waits until a stream has said a text; answers all that was said up to then. */
export function until(stream: NodeJS.ReadableStream | null, text: string): Promise<string> {
  let said = '';
  const heard = new Promise<string>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      said += chunk.toString();
      if (!said.includes(text)) return;
      stream?.off('data', take).off('end', end).off('close', end);
      resolve(said);
    };
    const end = (): void => reject(new Error(`the output ended without ${JSON.stringify(text)}: ${JSON.stringify(said)}`));
    if (stream === null || ('closed' in stream && stream.closed)) end();
    stream?.on('data', take).once('end', end).once('close', end);
  });
  const found = inTime(() => `the output ${JSON.stringify(text)} after ${JSON.stringify(said)}`, heard);
  // Of a test that has failed before it asked: the end of its child is no further news.
  found.catch(() => {});
  return found;
}
