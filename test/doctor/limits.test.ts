import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import type { DoctorReport } from '../../src/doctor/doctor.js';
import { UserError } from '../../src/index.js';
import { contain, ended, host } from '../e2e/support.js';
import { until } from '../in-time.js';
import { LOOK, look, startIn } from './around.js';
import { checkOf, failing, finding } from './report.js';

const LIMITED = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'] as const;
const KINDS = { mnt: 'mount', pid: 'pid', net: 'network', uts: 'uts', ipc: 'ipc', cgroup: 'cgroup' } as const;

/** Limits count in a user namespace and in all below it: one of our own breaks nothing outside. It has every id, and no right outside. */
function inUserNamespace(t: ExecutionContext, script: string, only: readonly string[]): Promise<DoctorReport> {
  // The second shell is root by then: what is executed before there is a map has no rights (user_namespaces(7)).
  const words = ['sh', '-c', 'echo ready; read go; exec "$@"', 'sh', 'sh', '-ec', `${script}\nexec "$@"`, 'sh', ...LOOK, ...only];
  const child = spawn('unshare', ['--user', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const done = ended(child);
  return until(child.stdout, 'ready\n').then(async () => {
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, '0 0 4294967295\n');
    child.stdin?.end('go\n');
    const { stdout } = await done;
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as DoctorReport;
  });
}

const own = host.uid === 0 ? test.serial : test.serial.skip;

own('in a user namespace with usual limits all namespaces can be made', async (t) => {
  const report = await inUserNamespace(t, ':', ['namespaces']);
  t.is(checkOf(report, 'namespaces').verdict, 'pass', JSON.stringify(report));
});

for (const file of LIMITED) {
  own(`max_${file}_namespaces = 0: namespaces names it, and the command that is shown repairs it`, async (t) => {
    const zero = `echo 0 >/proc/sys/user/max_${file}_namespaces`;
    const report = await inUserNamespace(t, zero, ['namespaces', 'keyring', 'system-calls']);
    const { observed, fix } = finding(report, 'namespaces');
    t.is(observed, `no ${KINDS[file]} namespace can be used: no space left on device (ENOSPC); user.max_${file}_namespaces is 0`);
    t.deepEqual(failing(report), ['namespaces']);
    const [command = ''] = fix?.commands ?? [];
    t.is(command, `sysctl -w user.max_${file}_namespaces=10000`);
    // By hand: sysctl(8) would ask for the file of the whole machine's procfs, which it is.
    const repaired = await inUserNamespace(t, `${zero}; echo 10000 >/proc/sys/user/max_${file}_namespaces`, ['namespaces']);
    t.is(checkOf(repaired, 'namespaces').verdict, 'pass');
  });
}

own('max_user_namespaces = 0: user-namespace names it', async (t) => {
  const report = await inUserNamespace(t, 'echo 0 >/proc/sys/user/max_user_namespaces', ['user-namespace', 'namespaces', 'keyring']);
  t.deepEqual(failing(report), ['user-namespace']);
  const { observed, fix } = finding(report, 'user-namespace');
  t.is(observed, 'no user namespace can be made: no space left on device (ENOSPC); user.max_user_namespaces is 0');
  t.deepEqual(fix?.commands, ['sysctl -w user.max_user_namespaces=10000']);
});

/** Limits of the machine itself: only where the machine is thrown away. */
const machine = process.env['CRT_V2_GUEST'] !== undefined && host.uid === 0 ? test.serial : test.serial.skip;

const KNOBS: readonly (readonly [file: string, value: number, id: CheckId])[] = [
  ...LIMITED.map((file) => [`user/max_${file}_namespaces`, 0, 'namespaces'] as const),
  ['user/max_user_namespaces', 0, 'user-namespace'],
  // The kernel takes no 0.
  ['kernel/keys/maxbytes', 1, 'keyring'],
  ['kernel/pty/max', 0, 'terminal'],
];
for (const [file, value, id] of KNOBS) {
  machine(
    `${file} = ${value} on the machine: a start points to ${id}, which fails, and what it shows repairs both (in the guest only)`,
    async (t) => {
      const knob = `/proc/sys/${file}`;
      const before = readFileSync(knob, 'utf8');
      t.teardown(() => writeFileSync(knob, before));
      writeFileSync(knob, `${value}\n`);
      const only = ['kernel', 'isolation', 'start'];
      const report = await look([], only);
      t.deepEqual(
        failing(report).filter((other) => other !== 'container'),
        [id],
      );
      const error = await t.throwsAsync(contain(t, { command: ['true'], tty: id === 'terminal' }));
      // The user namespace is made together with others, and whose limit that was the kernel does not say.
      const pointed: (CheckId | undefined)[] = [id, ...(id === 'namespaces' ? (['user-namespace'] as const) : [])];
      t.true(error instanceof UserError && pointed.includes(error.check), `${error?.message}`);
      const { fix } = finding(report, id);
      const { code, stderr } = await ended(startIn(['sh', '-ec'], [(fix?.commands ?? []).join('\n')]));
      t.is(code, 0, stderr);
      t.deepEqual(failing(await look([], only)), []);
      t.is((await contain(t, { command: ['true'] })).exitCode, 0);
    },
  );
}
