import { existsSync, readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { judgeSwap } from '../../src/doctor/checks/cgroup-swap.js';
import { doctor } from '../../src/doctor/doctor.js';
import { descendants, e2e, host, onV1 } from '../e2e/support.js';
import { type Broken, broken, repaired as whenRepaired, whole } from './broken.js';
import { checkOf, complaints, saying } from './report.js';

const only = ['cgroup'];
const { hierarchies, unified, mode } = host.cgroup;
const onV2 = host.uid === 0 && mode === 'v2' ? test : test.skip;

function place(controller: string): string {
  return hierarchies.find(({ controllers }) => controllers.includes(controller))?.mountpoint ?? '';
}

/** Scratch cgroups of these processes. */
function scratch(pids: readonly number[]): string[] {
  const tops = [...hierarchies.map(({ mountpoint }) => mountpoint), ...(unified ? [unified.mountpoint, `${unified.mountpoint}/crt`] : [])];
  const names = tops.flatMap((top) => (existsSync(top) ? readdirSync(top) : []));
  return names.filter((name) => pids.some((pid) => name.startsWith(`crt-doctor-${pid}-`)));
}

async function repaired(t: ExecutionContext, world: Broken, expected: readonly string[]): Promise<void> {
  await whenRepaired(t, world, { only }, expected);
  t.deepEqual(scratch(world.pids), []);
}

e2e('a whole machine: no complaint, and nothing left behind', async (t) => {
  const report = await whole.ask({ only });
  t.deepEqual(complaints(report), [], JSON.stringify(report));
  t.is(checkOf(report, 'cgroup-limits').findings.length, 3);
  t.is(checkOf(report, 'cgroup-controllers').findings.length, 4);
  t.deepEqual(scratch(whole.pids), []);
});

e2e('a check that is given up in the middle leaves nothing behind', async (t) => {
  const { checks } = await doctor({ only: ['cgroup', 'overlay', 'container'], patience: 5 });
  t.true(checks.some(({ findings }) => findings[0]?.observed === 'no answer within 5 ms'));
  t.deepEqual(scratch([process.pid]), []);
  t.deepEqual(descendants('crt-init'), []);
});

const UNKNOWN = ['cgroup-controllers', 'cgroup-limits', 'cgroup-swap', 'cgroup-delegation'].map((id) => `${id} unknown`);

e2e('no cgroup mount', async (t) => {
  // Also those that lie elsewhere.
  const script = "umount -R -l /sys/fs/cgroup; for m in $(awk '$3 ~ /^cgroup/ { print $2 }' /proc/self/mounts); do umount -l $m; done";
  await repaired(t, await broken(t, script), ['cgroup-mounts fail', ...UNKNOWN]);
});

e2e('no sysfs: it comes before the cgroups', async (t) => {
  const world = await broken(t, 'umount -R -l /sys');
  await repaired(t, world, ['cgroup-mounts fail', ...UNKNOWN]);
  t.is(await world.sh('stat -f -c %T /sys'), 'sysfs\n');
});

e2e('no sysfs, and cgroups elsewhere', async (t) => {
  const top = host.cgroup.mode === 'v2' ? host.cgroup.unified?.mountpoint : '/sys/fs/cgroup';
  const world = await broken(t, `mount -t tmpfs crt-test /mnt; mkdir /mnt/c; mount --rbind ${top} /mnt/c; umount -R -l /sys`);
  const [found] = saying(await world.ask({ only }), 'cgroup-mounts', /^no sysfs is mounted on \/sys$/);
  t.deepEqual(found?.fix?.commands, ['mount -t sysfs sysfs /sys']);
});

onV1('version 1: no folder for a hierarchy, in a tmpfs that is read-only, as in another container', async (t) => {
  const at = hierarchies
    .map(({ mountpoint, controllers }) => [mountpoint, controllers.join(',')] as const)
    .filter(([, name]) => !/cpu/.test(name));
  const script = `mount -t tmpfs -o mode=755 crt-test /mnt
    ${at.map(([from, name]) => `mkdir /mnt/${name}; mount --bind ${from} /mnt/${name}`).join('; ')}
    mount -o remount,ro /mnt; mount --rbind /mnt /sys/fs/cgroup; umount -R -l /mnt`;
  const world = await broken(t, script);
  await repaired(t, world, ['cgroup-controllers warn', 'cgroup-limits unknown']);
});

onV1('version 1: a hierarchy that is mounted read-only', async (t) => {
  const world = await broken(t, `mount -o remount,bind,ro ${place('pids')}`);
  const report = await world.ask({ only });
  t.is(saying(report, 'cgroup-mounts', /pids is mounted read-only$/)[0]?.verdict, 'fail');
  await repaired(t, world, ['cgroup-mounts fail', 'cgroup-controllers unknown', 'cgroup-limits unknown']);
});

for (const [controller, verdict, others] of [
  ['memory', 'warn', ['cgroup-limits unknown', 'cgroup-swap unknown']],
  ['pids', 'fail', ['cgroup-limits unknown']],
  ['cpu', 'warn', ['cgroup-limits unknown']],
  ['cpuset', 'warn', []],
] as const) {
  onV1(`version 1: no ${controller} hierarchy`, async (t) => {
    const world = await broken(t, `umount -l ${place(controller)}`);
    const report = await world.ask({ only });
    const words = new RegExp(`^no cgroup with the ${controller} controller is mounted$`);
    t.is(saying(report, 'cgroup-controllers', words)[0]?.verdict, verdict);
    await repaired(t, world, [`cgroup-controllers ${verdict}`, ...others]);
  });
}

onV2('version 2: mounted read-only', async (t) => {
  const world = await broken(t, 'mount -o remount,bind,ro /sys/fs/cgroup');
  await repaired(t, world, ['cgroup-mounts fail', ...UNKNOWN]);
});

onV2('version 2: controllers that are not handed down to where crt stands', async (t) => {
  // `bare` hands nothing down, whatever it has.
  const script = `mkdir -p /sys/fs/cgroup/bare/none; echo 0 > /sys/fs/cgroup/bare/none/cgroup.procs
    exec unshare -C -m sh -ec 'umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; echo broken; exec sleep 1000'`;
  const world = await broken(t, script);
  const report = await world.ask({ only });
  t.is(saying(report, 'cgroup-controllers', /have no pids controller$/)[0]?.verdict, 'fail', JSON.stringify(report));
  t.is(saying(report, 'cgroup-controllers', /have no memory controller$/)[0]?.verdict, 'warn');
});

onV2('version 2: a cgroup with processes of its own, which is not the root', async (t) => {
  const script = `echo '+memory +pids +cpu +cpuset' > /sys/fs/cgroup/cgroup.subtree_control; mkdir /sys/fs/cgroup/full
    echo 0 > /sys/fs/cgroup/full/cgroup.procs
    exec unshare -C -m sh -ec 'umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; echo broken; exec sleep 1000'`;
  const world = await broken(t, script);
  const report = await world.ask({ only: ['cgroup-delegation'] });
  t.deepEqual(complaints(report), ['cgroup-delegation fail'], JSON.stringify(report));
  t.regex(checkOf(report, 'cgroup-delegation').findings[0]?.observed ?? '', /has processes of its own/);
  await repaired(t, world, ['cgroup-controllers unknown', 'cgroup-limits unknown', 'cgroup-swap unknown', 'cgroup-delegation fail']);
});

onV1('version 2 alone, all of whose controllers version 1 holds', async (t) => {
  if (mode !== 'hybrid') return void t.pass();
  const world = await broken(t, hierarchies.map(({ mountpoint }) => `umount -l ${mountpoint}`).join('\n'));
  const report = await world.ask({ only });
  const [pids] = saying(report, 'cgroup-controllers', /no pids controller$/);
  t.is(pids?.verdict, 'fail', JSON.stringify(report));
  t.regex(pids?.fix?.advice ?? '', /^version 1 holds it/);
});

test('swap that is not counted', (t) => {
  t.is(judgeSwap({ isPinned: true, hasSwap: true }).verdict, 'pass');
  t.is(judgeSwap({ isPinned: false, hasSwap: false }).verdict, 'info');
  const counted = judgeSwap({ isPinned: false, hasSwap: true });
  t.is(counted.verdict, 'warn');
  t.regex(counted.fix?.advice ?? '', /swapaccount=1/);
});
