import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { EventDecoder } from '../../src/launch/decoder.js';
import type { HelperEvent } from '../../src/launch/events.js';
import { inTime, PATIENCE } from '../in-time.js';

export const HELPER_FOLDER = fileURLToPath(new URL('../../helper', import.meta.url));
export const HELPER = `${HELPER_FOLDER}/crt-init`;

/** A temporary directory of this test. */
export function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/crt-helper-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A verb of crt-init, to its end. */
export function callHelper(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(HELPER, words, { encoding: 'utf8', env: {}, timeout: PATIENCE });
  return { status, stdout, stderr };
}

/** `crt-init run` with these bytes on descriptor 3, and its end of file unless the supervisor `lives`: what it said and how it ended. */
export async function feed(
  bytes: Buffer,
  { stdin = 'ignore', supervisor = 'dies' }: { stdin?: 'ignore' | number; supervisor?: 'dies' | 'lives' } = {},
): Promise<{ events: HelperEvent[]; code: number | null }> {
  const child = spawn(HELPER, ['run'], { env: {}, stdio: [stdin, 'ignore', 'ignore', 'pipe'] as StdioOptions });
  const socket = child.stdio[3] as unknown as Duplex;
  const decoder = new EventDecoder();
  const events: HelperEvent[] = [];
  socket.on('data', (chunk: Buffer) => events.push(...decoder.push(chunk)));
  // EPIPE: it has seen enough.
  socket.on('error', () => {});
  socket.write(bytes);
  if (supervisor === 'dies') socket.end();
  const [code] = await inTime('the end of crt-init', once(child, 'close') as Promise<[number | null]>);
  return { events, code };
}
