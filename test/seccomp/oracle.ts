import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { stringifyExactJson } from '../../src/spec/json.js';
import type { Seccomp } from '../../src/spec/types.js';
import type { Abi } from './decide.js';

/** Debian's own: the first python3 of PATH may be another, without the package. */
const PYTHON = '/usr/bin/python3';

/** Why libseccomp cannot be asked here; undefined when it can. */
export const oracleMissing: string | undefined =
  spawnSync(PYTHON, ['-c', 'import seccomp']).status === 0 ? undefined : 'python3-seccomp is not installed';

export const asked = oracleMissing === undefined ? test.serial : test.serial.skip;
export const title = (text: string): string => (oracleMissing === undefined ? text : `${text} (${oracleMissing})`);

/** What each processor may call by, and what must be listed for it. */
export const ABIS: Readonly<Record<string, readonly (readonly [abi: Abi, oci: string])[]>> = {
  x64: [
    ['x86_64', ''],
    ['i386', 'SCMP_ARCH_X86'],
    ['x32', 'SCMP_ARCH_X32'],
  ],
  arm64: [['aarch64', '']],
};

/** A profile without rules that one of the two did not take. */
export function without(profile: Seccomp, refused: readonly (readonly [number, string])[]): Seccomp {
  const syscalls = (profile.syscalls ?? []).map((item, at) => ({
    ...item,
    names: item.names.filter((name) => !refused.some(([rule, word]) => rule === at && word === name)),
  }));
  return { ...profile, syscalls: syscalls.filter(({ names }) => names.length > 0) };
}

export interface Answer {
  readonly bpf: Uint8Array;
  /** Rules that libseccomp did not take: index and name. */
  readonly refused: readonly (readonly [rule: number, name: string])[];
}

/** libseccomp in a process of its own, one profile at a time. */
export class Oracle {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = spawn(PYTHON, [fileURLToPath(new URL('oracle.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
    // It is ended in the middle of its work.
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(profile: Seccomp, arch: string, optimize = false): Promise<Answer> {
    this.#child.stdin.write(`${stringifyExactJson({ profile, arch, optimize })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the oracle has ended');
    const answer = JSON.parse(value) as { error?: string; bpf: string; refused: [number, string][] };
    if (answer.error !== undefined) throw new Error(answer.error);
    return { bpf: Buffer.from(answer.bpf, 'hex'), refused: answer.refused };
  }

  /** By force: libseccomp works without end on some profiles, and what is left of this would keep the whole test run from ending. */
  end(): void {
    this.#child.kill('SIGKILL');
  }
}
