import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DoctorReport } from '../../src/doctor/doctor.js';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import type { Seccomp } from '../../src/spec/types.js';
import { ended, ROOTFS } from '../e2e/support.js';

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

/** Starts a command with something around it broken. */
export function startIn(around: Around, command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [program = '', ...words] = [...around, ...command];
  return spawn(program, words, { env: { ...process.env, CRT_ROOTFS: ROOTFS, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The words that start the child which looks; in the guest the tests are compiled. */
export const LOOK: readonly string[] = [
  process.execPath,
  ...(here.endsWith('.ts') ? [`--import=${import.meta.resolve('tsx')}`] : []),
  fileURLToPath(new URL(`_report${here.slice(-3)}`, here)),
];

/** What these checks and groups see there. */
export async function look(around: Around, only: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<DoctorReport> {
  const { code, stdout, stderr } = await ended(startIn(around, [...LOOK, ...only], env));
  if (code !== 0) throw new Error(`no report: ${stderr}${stdout}`);
  return JSON.parse(stdout) as DoctorReport;
}
