import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import type { Finding, Fix } from '../../src/doctor/check.js';
import type { CheckReport, DoctorReport } from '../../src/doctor/doctor.js';
import { CRT, ROOTFS, until } from '../e2e/support.js';

const own = import.meta.url;
const program = fileURLToPath(new URL(own.endsWith('.ts') ? '_report.ts' : '_report.js', own));
/** In the guest everything is compiled already. */
const loader = own.endsWith('.ts') ? [`--import=${import.meta.resolve('tsx')}`] : [];
const run = promisify(execFile);

export interface Question {
  readonly only: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** `--rootfs`; left out: that of the tests. */
  readonly rootfs?: string;
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
export const whole: Broken = inside(['env']);

function inside(enter: readonly string[]): Broken {
  const [command = '', ...words] = enter;
  const pids: number[] = [];
  const call = async (more: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const running = run(command, [...words, ...more], { env: { ...process.env, ...env }, maxBuffer: 1 << 26 });
    // It execs what it is given.
    pids.push(running.child.pid ?? 0);
    const { stdout } = await running;
    return stdout;
  };
  return {
    pids,
    ask: async ({ only, env, rootfs = ROOTFS }) =>
      JSON.parse(await call([process.execPath, ...loader, program, rootfs, ...only], env)) as DoctorReport,
    // The `crt` of a fix is this one.
    sh: (script, env) => call(['sh', '-ec', `crt() { ${CRT.map((word) => `'${word}'`).join(' ')} "$@"; }\n${script}`], env),
  };
}

export function checkOf(report: DoctorReport, id: CheckId): CheckReport {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`no ${id} in ${JSON.stringify(report)}`);
  return found;
}

/** `ID VERDICT` of all that is neither pass nor info. */
export function complaints(report: DoctorReport): string[] {
  return report.checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'info').map(({ id, verdict }) => `${id} ${verdict}`);
}

/** The findings of a check that say this. */
export function saying(report: DoctorReport, id: CheckId, words: RegExp): Finding[] {
  return checkOf(report, id).findings.filter(({ observed }) => words.test(observed));
}

/** The commands that a check shows, as a script. */
export function fixOf(report: DoctorReport, id: CheckId): string {
  const fixes = checkOf(report, id).findings.flatMap(({ fix }): Fix[] => (fix === undefined ? [] : [fix]));
  return [...new Set(fixes.flatMap(({ commands = [] }) => commands))].join('\n');
}
