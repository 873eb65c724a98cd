import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { build } from 'esbuild';
import type { Roots } from '../../src/state/roots.js';
import { inTime } from '../in-time.js';

/** The child program as one file: fifty of them start in the time that tsx takes for a few. */
export async function bundle(t: ExecutionContext): Promise<string> {
  const folder = mkdtempSync(`${tmpdir()}/crt-claimer-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = `${folder}/claimer.mjs`;
  await build({
    entryPoints: [new URL('_claimer.ts', import.meta.url).pathname],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

export interface Claimer {
  readonly child: ChildProcess;
  readonly line: () => Promise<string | undefined>;
}

/** Starts it in one of its roles, for one name. */
export function start(t: ExecutionContext, program: string, role: string, roots: Roots, name: string): Claimer {
  const child = spawn(process.execPath, [program, role, roots.state, roots.layers, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await inTime(`a line of ${role}`, lines.next())).value };
}
