import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { folder, host, ROOTFS, serial } from '../e2e/support.js';
import { checkOf, failing } from './report.js';
import { crtDoctor, reportOf } from './support.js';

/** All checks with few open files or processes, and that nothing of them stays. */
async function starving(t: ExecutionContext, by: readonly string[]): Promise<ReturnType<typeof reportOf>> {
  const path = await folder(t);
  const env = { CRT_STATE_DIR: `${path}/state`, CRT_LAYERS_DIR: `${path}/layers`, CRT_ROOTFS: ROOTFS };
  for (const root of [env.CRT_STATE_DIR, env.CRT_LAYERS_DIR]) mkdirSync(root, { mode: 0o700 });
  const said = crtDoctor(['--json'], { by, env });
  t.is(said.stderr, '');
  const names = [path, env.CRT_STATE_DIR, env.CRT_LAYERS_DIR].flatMap((each) => readdirSync(each));
  t.deepEqual(
    names.filter((name) => name.includes('crt-doctor')),
    [],
  );
  return reportOf(said);
}

for (const files of [32, 40]) {
  serial(`${files} open files are enough, for run and for the checks`, async (t) => {
    const report = await starving(t, ['prlimit', `--nofile=${files}:${files}`]);
    t.deepEqual(failing(report), [], JSON.stringify(report));
    t.is(checkOf(report, 'container').verdict, 'pass');
  });
}

serial('too few open files are told once', async (t) => {
  const report = await starving(t, ['prlimit', '--nofile=24:24']);
  t.deepEqual(failing(report), ['environment'], JSON.stringify(report));
  const told = checkOf(report, 'environment').findings.find(({ verdict }) => verdict === 'fail');
  t.regex(told?.observed ?? '', /^this process may have too few open files for .*container/);
  t.deepEqual(told?.fix?.commands, ['ulimit -n 1024']);
});

const pids = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('pids'))?.mountpoint;
const onPids = host.uid === 0 && pids !== undefined ? test.serial : test.serial.skip;

onPids('18 processes are enough', async (t) => {
  const cgroup = `${pids}/crt-test-${process.pid}`;
  mkdirSync(cgroup);
  t.teardown(() => rmdirSync(cgroup));
  writeFileSync(`${cgroup}/pids.max`, '18');
  const report = await starving(t, ['sh', '-c', `echo $$ >${cgroup}/cgroup.procs; exec "$@"`, 'sh']);
  t.deepEqual(failing(report), [], JSON.stringify(report));
});
