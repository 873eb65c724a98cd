import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { CheckReport, DoctorReport } from '../../src/index.js';
import { ROOT, type Said } from '../cli/crt.js';
import { folder } from '../e2e/support.js';
import { PATIENCE } from '../in-time.js';

const repository = fileURLToPath(ROOT);

/** A copy of the package as a clone has it, to be broken. Without node-pty unless asked. */
export async function packageTree(t: ExecutionContext, { pty = true }: { pty?: boolean } = {}): Promise<string> {
  const root = await folder(t);
  for (const part of ['bin', 'dist', 'helper', 'package.json', 'oclif.manifest.json']) {
    if (existsSync(repository + part)) cpSync(repository + part, `${root}/${part}`, { recursive: true });
  }
  if (pty && existsSync(`${repository}node_modules/node-pty`))
    cpSync(`${repository}node_modules/node-pty`, `${root}/node_modules/node-pty`, { recursive: true });
  return root;
}

/** `crt doctor` of a package, by a program that changes what it may do when one is given. */
export function crtDoctor(
  args: readonly string[],
  { root = repository, by = [], env = {} }: { root?: string; by?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Said {
  const [program = '', ...words] = [...by, process.execPath, '--', `${root}/bin/run.js`, 'doctor', ...args];
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    input: '',
    env: { ...process.env, ...env },
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  });
  if (error) throw error;
  return { exitCode: status, stdout, stderr };
}

export function reportOf({ stdout }: Said): DoctorReport {
  return JSON.parse(stdout) as DoctorReport;
}

/** Runs the commands of a fix as a shell of root would; packages are there already. */
export function repair({ findings }: CheckReport): void {
  for (const command of findings.flatMap(({ fix }) => fix?.commands ?? [])) {
    const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: PATIENCE });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
  }
}

export function readText(file: string): string {
  return readFileSync(repository + file, 'utf8');
}
