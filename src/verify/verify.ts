import { UserError } from '../errors.js';
import { findRunning } from '../find.js';
import { stateRoots } from '../state/roots.js';
import { judge } from './checks.js';
import type { Finding } from './finding.js';
import { gather } from './gather.js';

/** What `crt verify` found. `--json` prints it as it is. */
export interface VerifyReport {
  readonly name: string;
  /** Of its PID 1, as the host numbers it. */
  readonly pid: number;
  /** Processes that were looked at. */
  readonly processes: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** No finding is a failure. */
  readonly holds: boolean;
  /** In the order of their groups. */
  readonly findings: readonly Finding[];
}

/**
 * Proves from outside that a running container is isolated as it was configured, and no weaker than the defaults but where a flag asked for it. Nothing
 * is changed, nothing inside is asked or opened: only the kernel's own files are read.
 * @throws NoContainerError; UserError when it does not run, ends meanwhile, its records are damaged, or the caller is not root
 */
export function verify(name: string, env: NodeJS.ProcessEnv = process.env): VerifyReport {
  const roots = stateRoots(env);
  const entry = findRunning(name, roots);
  // Of others' processes the kernel shows an ordinary user too little to judge.
  if (process.geteuid?.() !== 0)
    throw new UserError('looking at a container needs root', { hint: `sudo crt verify ${name}`, check: 'privilege' });
  const evidence = gather(entry, roots);
  const findings = judge(evidence);
  return {
    name,
    pid: evidence.init.pid,
    processes: evidence.processes.length,
    at: new Date().toISOString(),
    holds: findings.every(({ verdict }) => verdict !== 'fail'),
    findings,
  };
}
