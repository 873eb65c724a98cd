import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { RunOptions } from '../../src/options.js';
import type { Plan, Step } from '../../src/plan/step.js';
import { contain, ending, host, ROOTFS } from '../e2e/support.js';

export const PYTHON = '/usr/bin/python3';
const missing = [
  ...(existsSync(PYTHON) ? [] : ['this machine has no /usr/bin/python3']),
  ...(ROOTFS === 'host' || existsSync(`${ROOTFS}${PYTHON}`) ? [] : ['the rootfs has no python3']),
];
const able = host.uid === 0 && missing.length === 0;
const reason = missing.length > 0 ? ` (${missing.join(', ')})` : '';

/** A test whose attacker is a Python program: skipped, with the reason in its title, where there is none. */
export function attack(title: string, body: (t: ExecutionContext) => unknown): void {
  ending(able ? test : test.skip)(`${title}${reason}`, body);
}

/** The same for what is of x86_64 alone. */
export function attackX64(title: string, body: (t: ExecutionContext) => unknown): void {
  ending(able && host.arch === 'x64' ? test : test.skip)(`${title}${reason}`, body);
}

/** What every attacker starts with. `attempt` answers `yes`, or the name of the errno. */
const PRELUDE = `
import ctypes, errno, json, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(number, *arguments):
    ctypes.set_errno(0)
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments])
    return 'yes' if answer != -1 else errno.errorcode[ctypes.get_errno()]

def attempt(act):
    try:
        act()
        return 'yes'
    except OSError as error:
        return errno.errorcode[error.errno]

def opens(path, flags):
    return attempt(lambda: os.close(os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)))
`;

/** An attacker's program: Python that ends with \`answer = …\`. */
export function program(text: string): string {
  return `${PRELUDE}\n${text}\nprint(json.dumps(answer))`;
}

/** Runs it in a container; answers what it found out. */
export async function inside<T>(t: ExecutionContext, text: string, options: Partial<RunOptions> = {}): Promise<T> {
  const { stdout, stderr, exitCode } = await contain(t, { command: ['python3', '-c', program(text)], ...options });
  try {
    return JSON.parse(stdout) as T;
  } catch (cause) {
    throw new Error(`the attacker ended with ${exitCode}: ${stdout}${stderr}`, { cause });
  }
}

/** Has the named steps left out of the plan, to show what they are for. Only tests do this: no flag of crt reaches it. */
export function without(...ops: readonly string[]): Pick<RunOptions, 'onPlan'> {
  return {
    onPlan: (plan: Plan): void => {
      const steps = plan.steps as Step[];
      const kept = steps.filter(({ op }) => !ops.includes(op));
      if (kept.length === steps.length) throw new Error(`no step is one of ${ops.join(', ')}`);
      steps.splice(0, steps.length, ...kept);
    },
  };
}

export const execute = promisify(execFile);
