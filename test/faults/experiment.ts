import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { list, remove } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { letter, stateOf } from '../e2e/detached.js';
import { CRT, ended, ending, host, LONGEST, ROOTFS, traces } from '../e2e/support.js';

/** CRT_FAULTS=long asks for the long form. */
export const LONG = process.env['CRT_FAULTS'] === 'long';
/** Milliseconds for one short sweep. */
export const SHORT_TIME = LONGEST;
/** Experiments need root, and are made one after the other. */
export const faults = ending(host.uid === 0 ? test.serial : test.serial.skip);
/** Milliseconds that a monitor has to clear up after its supervisor was killed. */
const PATIENCE = 2_000;
/** Milliseconds that any command may take. */
export const SLOWEST = 10_000;

/** How one command line ended. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Words before the command line: strace(1), a shell that sets a limit. */
export interface Around {
  readonly before?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** The line of a run of this name that prints `up`. */
export function runWords(name: string, ...flags: readonly string[]): string[] {
  return [...CRT, 'run', name, '--rootfs', ROOTFS, '--memory', '64', ...flags, '--', 'echo', 'up'];
}

/** Runs a command line to its end; killed after twice the time that it may take. */
export async function command(words: readonly string[], { before = [], env = {} }: Around = {}): Promise<Outcome> {
  const [file = '', ...rest] = [...before, ...words];
  const start = performance.now();
  // A group of its own: what strace(1) follows outlives it.
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, detached: true });
  const timer = setTimeout(() => killGroup(child.pid), 2 * SLOWEST);
  const { code, signal, stdout, stderr } = await ended(child);
  clearTimeout(timer);
  return { code, signal, stdout, stderr, ms: performance.now() - start };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** All that belongs to a container of this name, links that hold user ids included. */
export function remains(name: string): string[] {
  const ids = `${stateRoots().layers}/.ids`;
  const links = readdirIfThere(ids).flatMap((link) => (readlinkIfThere(`${ids}/${link}`).includes(`/${name}`) ? [`ids ${link}`] : []));
  return [...traces(name), ...links];
}

function readdirIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readlinkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** What made the last of it go: nothing was left after two seconds, `crt ps` undid it, `crt rm -f` had to. */
export type Cure = 'by itself' | 'ps' | 'rm';

/**
 * The invariant. @returns why it does not hold; and what it took.
 * @param killed the supervisor itself was: then something may be left that `ps` shows and `rm -f` removes.
 */
export async function check(name: string, killed: boolean): Promise<{ problem?: string; cure: Cure }> {
  for (const end = performance.now() + (killed ? PATIENCE : 0); remains(name).length > 0 && performance.now() < end; ) await delay(10);
  const left = remains(name);
  if (left.length === 0) return { cure: 'by itself' };
  if (!killed) return { cure: 'rm', problem: `left behind: ${left.join(', ')}${discard(name)}` };
  const isShown = list({ all: true }).some((container) => container.name === name);
  if (remains(name).length === 0) return { cure: 'ps' };
  const worse = isShown ? '' : `crt ps does not show what is left: ${remains(name).join(', ')}`;
  const stuck = discard(name);
  return worse || stuck ? { cure: 'rm', problem: `${worse}${stuck}` } : { cure: 'rm' };
}

/** `crt rm -f`. @returns what is wrong with its work. */
function discard(name: string): string {
  try {
    remove(name, { force: true });
  } catch (error) {
    return `; rm -f: ${(error as Error).message}`;
  }
  const left = remains(name);
  return left.length > 0 ? `; rm -f leaves ${left.join(', ')}` : '';
}

/** Whether a new container of this name runs and leaves nothing. */
export async function works(name: string, around: Around = {}): Promise<string | undefined> {
  const { code, stdout, stderr, ms } = await command(runWords(name), around);
  if (code !== 0 || stdout !== 'up\n') return `the name cannot be used: ${code} ${stderr}`;
  return ms > SLOWEST ? `the next run took ${ms} ms` : undefined;
}

/** Every n-th of these, so that about `most` are left, spread over all. */
export function spread<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.ceil(all.length / most);
  return LONG ? all : all.filter((_, index) => index % step === 0);
}

/** The calls of crt's main thread from the claim of the name on, as strace(1) has logged them: each with its number among its like. */
export function callsAfterClaim(log: string, name: string): (readonly [call: string, nth: number])[] {
  const counts = new Map<string, number>();
  const calls: (readonly [string, number])[] = [];
  let isClaimed = false;
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, call] = /^([a-z0-9_]+)\(/.exec(line) ?? [];
    if (call === undefined) continue;
    counts.set(call, (counts.get(call) ?? 0) + 1);
    isClaimed ||= line.includes(`/.${name}.`);
    // Between Node's own threads: to lose one is to wait for ever.
    const isNodes = /^write\(\d+<(pipe|anon_inode):/.test(line);
    if (isClaimed && !isNodes) calls.push([call, counts.get(call) ?? 0]);
  }
  return calls;
}

/** What holds after any fault: `ps` and the processes agree, `rm -f` works, once more too, and nothing is left. @returns what does not */
export function verdict(name: string): string | undefined {
  const status = stateOf(name);
  const entry = read(stateRoots(), name);
  const lives = entry?.init !== undefined && /^[RSDT]$/.test(letter(entry.init.pid) ?? '');
  if ((status === 'running') !== lives) return `ps says ${status}, init ${lives ? 'lives' : 'does not live'}`;
  try {
    if (remains(name).length > 0) remove(name, { force: true });
  } catch (error) {
    if (!/no container named/.test((error as Error).message)) return `rm -f: ${(error as Error).message}`;
  }
  const left = remains(name);
  return left.length === 0 ? undefined : `rm -f leaves ${left.join(', ')}`;
}
