import { spawn } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import type { DoctorReport } from '../../src/doctor/doctor.js';
import { CRT, ended } from '../e2e/support.js';
import { until } from '../in-time.js';
import { type Around, LOOK, startIn } from './around.js';
import { complaints, fixOf } from './report.js';

export interface Question {
  readonly only: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A machine with something broken: this one, in a mount namespace of its own. */
export interface Broken {
  /** The processes that were asked. */
  readonly pids: readonly number[];
  /** What doctor says there. */
  ask(question: Question): Promise<DoctorReport>;
  /** Has a shell do something there. */
  sh(script: string, env?: NodeJS.ProcessEnv): Promise<string>;
}

/** @param breaking a shell script; the words before that: what the shell is started with, for example setpriv. */
export async function broken(t: ExecutionContext, breaking: string, before: readonly string[] = []): Promise<Broken> {
  const words = [...before, 'sh', '-ec', `${breaking}\necho broken\nexec sleep 1000`];
  const child = spawn('unshare', ['--mount', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'broken\n');
  return inside(['nsenter', '--mount', '--target', String(child.pid), '--']);
}

/** This machine as it is. */
export const whole: Broken = inside([]);

function inside(around: Around): Broken {
  const pids: number[] = [];
  const call = async (command: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> => {
    const child = startIn(around, command, env);
    // It execs what it is given.
    pids.push(child.pid ?? 0);
    const { code, stdout, stderr } = await ended(child);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    pids,
    ask: async ({ only, env }) => JSON.parse(await call([...LOOK, ...only], env)) as DoctorReport,
    // The `crt` of a fix is this one.
    sh: (script, env) => call(['sh', '-ec', `crt() { ${CRT.map((word) => `'${word}'`).join(' ')} "$@"; }\n${script}`], env),
  };
}

/** Sees these complain, applies what they show, and sees nobody complain. */
export async function repaired(t: ExecutionContext, world: Broken, question: Question, expected: readonly string[]): Promise<void> {
  const before = await world.ask(question);
  t.deepEqual(complaints(before), expected, JSON.stringify(before));
  await world.sh(before.checks.map(({ id }) => fixOf(before, id)).join('\n'), question.env);
  const after = await world.ask(question);
  t.deepEqual(complaints(after), [], JSON.stringify(after));
}
