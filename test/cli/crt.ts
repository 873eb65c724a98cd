import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from '../in-time.js';

export const ROOT = new URL('../..', import.meta.url);

export interface Said {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line, without a terminal and with an end of file as its stdin. */
export function crt(args: readonly string[], options: { uid?: number; env?: Record<string, string> } = {}): Said {
  const program = fileURLToPath(new URL('bin/run.js', ROOT));
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...options.env };
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const { status, stdout, stderr, error } = spawnSync(process.execPath, ['--', program, ...args], {
    encoding: 'utf8',
    input: '',
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
    env,
    ...identity,
  });
  if (error) throw error;
  return { exitCode: status, stdout, stderr };
}
