import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import type { CheckReport, DoctorReport } from '../../src/doctor/doctor.js';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import type { Seccomp } from '../../src/spec/types.js';
import { type Ended, ended, ROOTFS } from '../e2e/support.js';

export const PYTHON = '/usr/bin/python3';
const here = import.meta.url;
const loader = fileURLToPath(new URL('../seccomp/load.py', here));

/** Words that run a command with something around it broken. */
export type Around = readonly string[];

/** A shell script that breaks, and whatever it mounts, in a mount namespace of its own. */
export function mounting(script: string): Around {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', `${script}\nexec "$@"`, 'sh'];
}

/** Without these capabilities in the bounding set. */
export function without(...capabilities: readonly string[]): Around {
  return ['setpriv', `--bounding-set=${capabilities.map((name) => `-${name.replace('CAP_', '').toLowerCase()}`).join(',')}`];
}

/** Under a filter that refuses some system calls, and lets all others pass. */
export function refusing(errnoRet: number, syscalls: Omit<NonNullable<Seccomp['syscalls']>[number], 'action'>): Around {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...syscalls, action: 'SCMP_ACT_ERRNO', errnoRet }] };
  const filter = compileSeccomp(profile, { arch: process.arch, newCallsAreMissing: false });
  return ['setpriv', '--no-new-privs', PYTHON, loader, Buffer.from(filter).toString('hex')];
}

/** Runs a command with something around it broken. */
export function runIn(around: Around, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const [program = '', ...words] = [...around, ...command];
  return ended(spawn(program, words, { env: { ...process.env, CRT_ROOTFS: ROOTFS, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** What these checks and groups see there, by id. */
export async function look(
  t: ExecutionContext,
  around: Around,
  only: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Map<CheckId, CheckReport>> {
  const { stdout, stderr } = await runIn(around, LOOK.concat(only), env);
  let report: DoctorReport;
  try {
    report = JSON.parse(stdout) as DoctorReport;
  } catch {
    throw new Error(`no report: ${stderr}${stdout}`);
  }
  t.log(
    report.checks
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ id, verdict }) => `${id} ${verdict}`)
      .join(', ') || 'all pass',
  );
  return new Map(report.checks.map((check) => [check.id, check]));
}

/** The words that start the child; in the guest the tests are compiled. */
export const LOOK: readonly string[] = [
  process.execPath,
  ...(here.endsWith('.ts') ? ['--import=tsx'] : []),
  fileURLToPath(new URL(`_look${here.slice(-3)}`, here)),
];

/** The checks that fail, in the order of the report. */
export function failing(report: Map<CheckId, CheckReport>): CheckId[] {
  return [...report.values()].filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
}

/** The first finding of a check that is no pass. */
export function finding(report: Map<CheckId, CheckReport>, id: CheckId): NonNullable<CheckReport['findings'][number]> {
  const [found] = report.get(id)?.findings.filter(({ verdict }) => verdict !== 'pass') ?? [];
  if (found === undefined) throw new Error(`${id} has found nothing wrong`);
  return found;
}

/** Files of src/doctor/checks, without their ending. */
export function checkFiles(): string[] {
  return readdirSync(new URL('../../src/doctor/checks', here))
    .filter((name) => /(?<!\.d)\.[tj]s$/.test(name))
    .map((name) => name.replace(/\.[tj]s$/, ''))
    .filter((name, at, all) => all.indexOf(name) === at)
    .sort();
}
