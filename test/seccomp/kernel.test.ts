import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import { defaultProfile } from '../../src/seccomp/default-profile.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { PATIENCE } from '../in-time.js';
import { NATIVE, PODMAN_11 } from './decide.js';

const PYTHON = '/usr/bin/python3';
const loader = fileURLToPath(new URL('load.py', import.meta.url));
const abi = NATIVE[process.arch];
const real = abi !== undefined && existsSync(PYTHON) ? test : test.skip;
const suffix = existsSync(PYTHON) ? '' : ' (python3 is not installed)';

/** Runs a command under the default filter, on this kernel. */
function under(...command: readonly string[]): { status: number | null; output: string } {
  const filter = compileSeccomp(defaultProfile({ capabilities: PODMAN_11 }), { arch: process.arch });
  const { status, stdout, stderr } = spawnSync(PYTHON, [loader, Buffer.from(filter).toString('hex'), ...command], {
    encoding: 'utf8',
    timeout: PATIENCE,
  });
  return { status, output: `${stdout}${stderr}` };
}

/** The errno of raw calls by number, one a line; 0 where one works. */
function errnos(calls: readonly (readonly number[])[]): number[] {
  const script = `
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
for call in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    answer = libc.syscall(*[ctypes.c_long(value) for value in call])
    print(ctypes.get_errno() if answer == -1 else 0)`;
  return under(PYTHON, '-c', script, JSON.stringify(calls)).output.trim().split('\n').map(Number);
}

real(`this kernel loads the default filter, and programs run under it${suffix}`, (t) => {
  t.deepEqual(under('sh', '-c', 'ls / | sort | head -c 1 >/dev/null && echo ok'), { status: 0, output: 'ok\n' });
  t.deepEqual(under(process.execPath, '-e', 'setTimeout(() => console.log(require("node:os").cpus().length > 0), 5)'), {
    status: 0,
    output: 'true\n',
  });
  const threads =
    'import threading, subprocess; t = threading.Thread(target=print, args=("a",)); t.start(); t.join(); print(subprocess.check_output(["echo", "b"]))';
  t.deepEqual(under(PYTHON, '-c', threads), { status: 0, output: "a\nb'b\\n'\n" });
});

real(`what it refuses this kernel refuses by it${suffix}`, (t) => {
  const numbers = syscallNumbers(abi ?? 'x86_64');
  const nr = (name: string): number => numbers.get(name) ?? -1;
  const EPERM = 1;
  const ENOSYS = 38;
  const calls: readonly (readonly [errno: number, ...call: number[]])[] = [
    [0, nr('getpid')],
    [EPERM, nr('unshare'), 0],
    [EPERM, nr('keyctl'), 0],
    [EPERM, nr('bpf'), 0],
    [EPERM, nr('io_uring_setup'), 1, 0],
    [EPERM, nr('socket'), 38, 5, 0],
    [EPERM, nr('socket'), 40, 1, 0],
    [EPERM, nr('mount'), 0, 0, 0, 0, 0],
    [EPERM, nr('clone'), 0x10000011, 0, 0, 0, 0],
    [EPERM, nr('ioctl'), 0, 0x5412, 0],
    [EPERM, nr('personality'), 0x0040000],
    [ENOSYS, nr('clone3'), 0, 0],
    [ENOSYS, nr('fsopen'), 0, 0],
    [ENOSYS, 5000],
    ...(abi === 'x86_64' ? [[ENOSYS, 0x40000027] as const] : []),
  ];
  t.deepEqual(
    errnos(calls.map(([, ...call]) => call)),
    calls.map(([errno]) => errno),
  );
});
