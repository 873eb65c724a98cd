import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { run, type StepError } from '../../src/index.js';
import { isOp } from '../../src/plan/step.js';
import { findStrace, tracedPackage } from '../faults/scratch.js';
import { box, contain, type Declare, e2e, folder, ROOTFS } from './support.js';

const ALL = ['TSYNC', 'LOG', 'SPEC_ALLOW', 'WAIT_KILLABLE_RECV'];
const [LOG, SPEC_ALLOW, NEW_LISTENER] = [2, 4, 8];

/** A profile that lets everything pass, with these flags. */
async function profile(t: ExecutionContext, flags: readonly string[]): Promise<string> {
  const path = `${await folder(t)}/profile.json`;
  writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', flags: flags.map((flag) => `SECCOMP_FILTER_FLAG_${flag}`) }));
  return path;
}

const strace = findStrace();
const traced: Declare = strace === undefined ? test.skip : e2e;

traced(`the flags of a profile reach seccomp(2)${strace === undefined ? ' (strace is not installed)' : ''}`, async (t) => {
  const pack = await tracedPackage(t, strace ?? '');
  pack.trace(['-e', 'trace=seccomp', '-e', 'raw=seccomp']);
  const given = async (flags: readonly string[]): Promise<number[]> => {
    const mounts = [{ source: await folder(t), target: '/data' }];
    const seccomp = await profile(t, flags);
    const { exitCode } = await pack.run({ name: box(t), rootfs: ROOTFS, command: ['true'], mounts, securityOpt: { seccomp } });
    t.is(exitCode, 0);
    return [...pack.log().matchAll(/seccomp\(0x1, (\w+), \w+\) += \d/g)].map(([, bits]) => Number(bits));
  };
  // The listener, the guard of setuid bits, the profile's own.
  t.deepEqual(await given([]), [NEW_LISTENER, 0, 0]);
  t.deepEqual(await given(['LOG']), [NEW_LISTENER, 0, LOG]);
  t.deepEqual(await given(ALL), [NEW_LISTENER | SPEC_ALLOW, SPEC_ALLOW, 1 | LOG | SPEC_ALLOW]);
});

const PYTHON = '/usr/bin/python3';
const python: Declare = existsSync(PYTHON) ? e2e : test.skip;

/** Asks the kernel for the flags of a process's filters, the first that was loaded first (ptrace(2), PTRACE_SECCOMP_GET_METADATA). */
const METADATA = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
pid = int(sys.argv[1])
assert libc.ptrace(16, pid, None, None) == 0, os.strerror(ctypes.get_errno())
os.waitpid(pid, 0x40000000)
for number in range(2):
    data = (ctypes.c_uint64 * 2)(number, 0)
    answer = libc.ptrace(0x420d, pid, ctypes.sizeof(data), ctypes.byref(data))
    print(data[1] if answer >= 0 else os.strerror(ctypes.get_errno()))
`;

python(`LOG: this kernel keeps it with the filter${existsSync(PYTHON) ? '' : ' (python3 is not installed)'}`, async (t) => {
  const seccomp = await profile(t, ['LOG']);
  let said = '';
  await contain(t, {
    command: ['sleep', '1000'],
    securityOpt: { seccomp },
    onStart: (container) => {
      const { stdout, stderr } = spawnSync(PYTHON, ['-c', METADATA, String(container.pid)], { encoding: 'utf8' });
      said = stdout + stderr;
      container.kill('SIGKILL');
    },
  });
  // Built without CONFIG_CHECKPOINT_RESTORE it does not tell.
  if (/Invalid argument|Input\/output error/.test(said)) return t.pass(said);
  t.is(said, `0\n${LOG}\n`);
});

e2e('a flag that this kernel does not have ends the start, and is named', async (t) => {
  const error = await t.throwsAsync<StepError>(
    run({
      name: box(t),
      rootfs: ROOTFS,
      command: ['true'],
      securityOpt: { seccomp: await profile(t, ['LOG']) },
      onPlan: ({ steps }) => {
        for (const step of steps) if (isOp(step, 'seccomp')) Object.assign(step.operands, { flags: LOG | 0x40000000 });
      },
    }),
  );
  t.regex(error?.message ?? '', /^step \d+ \(seccomp SECCOMP_FILTER_FLAG_LOG 0x40000000\) failed: .*EINVAL.*one of its flags/);
  t.regex(error?.hint ?? '', /seccomp=FILE/);
});
