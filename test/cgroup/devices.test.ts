import { spawnSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { ContainerCgroup } from '../../src/cgroup/container.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { deviceProgram } from '../../src/device-filter/bpf.js';
import { deviceFilter } from '../../src/device-filter/rules.js';
import { probeHost } from '../../src/host/probe.js';
import { encodePlan } from '../../src/plan/encode.js';
import { isOp, type Step, step, toHostPath } from '../../src/plan/step.js';
import { deviceRules } from '../../src/spec/defaults.js';
import type { DeviceRule } from '../../src/spec/types.js';
import { rules } from '../device-filter/model.js';
import { feed } from '../helper/_helper.js';
import { removeAfter, scratchName } from './scratch.js';

const host = probeHost();
const { hierarchies, unified } = host.cgroup;
const onV1 = host.uid === 0 && hierarchies.some(({ controllers }) => controllers.includes('devices')) ? test : test.skip;
/** Any real version 2 tree, be it without controllers (hybrid): the device filter is not one of them. */
const onTree = host.uid === 0 && unified ? test : test.skip;

const v1 = (devices: DeviceRule[]): ContainerCgroup =>
  openCgroup(
    { mode: 'v1', hierarchies: hierarchies.filter(({ controllers }) => controllers.includes('devices')), unified: undefined },
    scratchName(),
    {
      devices,
    },
  );

/** A version 2 cgroup of its own below a scratch cgroup that stands for the mount. */
function v2(t: ExecutionContext, devices: DeviceRule[]): ContainerCgroup {
  const mountpoint = toHostPath(`${unified?.mountpoint}/${scratchName()}`);
  mkdirSync(mountpoint);
  removeAfter(t, [{ path: mountpoint, inode: lstatSync(mountpoint).ino }]);
  return openCgroup({ mode: 'v2', hierarchies: [], unified: { mountpoint, controllers: [], own: '/' } }, 'box', { devices });
}

const note = { chapter: 'cgroup', why: '' } as const;

/** Runs a script of the host's sh in the cgroup, by the driver's own steps and the helper; answers what it wrote to `$out`. */
async function inside(t: ExecutionContext, cgroup: ContainerCgroup, script: string): Promise<string> {
  removeAfter(t, cgroup.create());
  const folder = nodes(t);
  const { steps, cloneInto } = cgroup.open({ bornInside: true });
  const plan: Step[] = [
    step('stage', 'monitor', {}, note),
    ...steps,
    step('clone', 'stage', { pidfd: 'init', cgroup: cloneInto, namespaces: 0 }, note),
    step('parent-death', 'init', { signal: 9 }, note),
    ...cgroup.join({ bornInside: true }),
    step(
      'exec',
      'init',
      { candidates: ['/bin/sh'], argv: ['sh', '-c', `cd "$0"; exec > out; ${script}`, folder], env: ['PATH=/usr/bin:/bin'], reaper: 0 },
      note,
    ),
  ];
  const { events } = await feed(Buffer.from(encodePlan({ steps: plan })), { supervisor: 'lives' });
  const last = events.at(-1);
  t.is(
    last?.kind,
    'exited',
    JSON.stringify(last, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return readFileSync(`${folder}/out`, 'utf8');
}

/** A folder with nodes of the host: what the filter must and must not let open. The host itself can open them all. */
function nodes(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/crt-test-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, ...node] of NODES) {
    t.is(spawnSync('mknod', [`${folder}/${name}`, ...node]).status, 0, name);
    closeSync(openSync(`${folder}/${name}`, 'r'));
  }
  return folder;
}
const NODES = [
  ['null', 'c', '1', '3'],
  ['zero', 'c', '1', '5'],
  ['full', 'c', '1', '7'],
  ['random', 'c', '1', '8'],
  ['urandom', 'c', '1', '9'],
  ['kmsg', 'c', '1', '11'],
  ['loop', 'b', '7', '0'],
] as const;

const TRY = `for f in null zero full random urandom kmsg loop; do
  echo "$f$( (: < $f) 2> /dev/null && echo ' r')$( (: >> $f) 2> /dev/null && echo ' w')$( (: <> $f) 2> /dev/null && echo ' rw')"
done; for n in 'c 1 1' 'b 8 0'; do mknod new $n && rm new && echo "made $n"; done; : < /dev/ptmx && echo terminal`;
const DEFAULTS = ['null', 'zero', 'full', 'random', 'urandom'].map((name) => `${name} r w rw\n`).join('');
const MADE = 'made c 1 1\nmade b 8 0\nterminal\n';

for (const [version, given, cgroup] of [
  ['version 1', onV1, (_: ExecutionContext, devices: DeviceRule[]) => v1(devices)],
  ['version 2', onTree, v2],
] as const) {
  given(`${version}: only the default devices can be opened, and any node made`, async (t) => {
    t.is(await inside(t, cgroup(t, deviceRules()), TRY), `${DEFAULTS}kmsg\nloop\n${MADE}`);
  });

  given(`${version}: a later rule gives a device, for the uses that it names`, async (t) => {
    const devices: DeviceRule[] = [
      ...deviceRules(),
      { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
      { allow: true, type: 'b', major: 7, access: 'rw' },
      { allow: false, type: 'c', major: 1, minor: 9, access: 'w' },
    ];
    t.is(await inside(t, cgroup(t, devices), TRY), `${DEFAULTS.replace('urandom r w rw', 'urandom r')}kmsg r\nloop r w rw\n${MADE}`);
  });

  given(`${version}: everything but a few`, async (t) => {
    const devices: DeviceRule[] = [
      { allow: true },
      { allow: false, type: 'b' },
      { allow: false, type: 'c', major: 1, minor: 1, access: 'm' },
    ];
    t.is(await inside(t, cgroup(t, devices), TRY), `${DEFAULTS}kmsg r w rw\nloop\nterminal\n`);
  });

  given(`${version}: rules that deny nothing make no filter`, (t) => {
    const free = cgroup(t, [{ allow: false }, { allow: true }]);
    t.deepEqual(free.limits, []);
    t.false(free.open({ bornInside: true }).steps.some((each) => isOp(each, 'device-filter')));
    t.false(free.join({ bornInside: true }).length > 0);
  });
}

onV1('version 1 shows the rules in devices.list, and what it cannot hold is refused before anything is made', (t) => {
  const cgroup = v1([{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }]);
  const made = cgroup.create();
  removeAfter(t, made);
  t.is(readFileSync(`${made[0]?.path}/devices.list`, 'utf8'), 'c 1:3 rwm\n');
  t.throws(
    () =>
      v1([
        { allow: true, type: 'c' },
        { allow: false, type: 'c', major: 1 },
      ]),
    { name: 'UserError', message: /an exception from c \*:\* rwm/ },
  );
});

test('version 1 without that hierarchy goes without the filter', (t) => {
  const cgroup = openCgroup({ mode: 'v1', hierarchies: [], unified: undefined }, 'box', { devices: deviceRules() });
  t.notThrows(() => cgroup.check());
  t.deepEqual([cgroup.limits, cgroup.paths, cgroup.open({ bornInside: true }).steps], [[], [], []]);
});

test('version 1: the hierarchy is entered, and not shown inside', (t) => {
  const devices = { controllers: ['devices'], mountpoint: toHostPath('/cg/devices') };
  const cgroup = openCgroup({ mode: 'v1', hierarchies: [devices], unified: undefined }, 'box', { devices: deviceRules() });
  t.is(cgroup.join({ bornInside: true }).length, 1);
  t.deepEqual(
    cgroup.mounts('root').map(({ operands }) => (operands as { target: string }).target),
    ['/sys/fs/cgroup'],
  );
});

onTree('no program of any rules is refused by the kernel, nor is the largest', async (t) => {
  const path = toHostPath(`${unified?.mountpoint}/${scratchName()}`);
  mkdirSync(path);
  removeAfter(t, [{ path, inode: lstatSync(path).ino }]);
  const ways = ['r', 'w', 'm', 'rw', 'rm', 'wm'];
  const largest = Array.from({ length: 256 }, (_, index): DeviceRule => {
    const numbers = { ...(index % 3 ? { major: index % 7 } : {}), ...(index % 4 ? { minor: index % 11 } : {}) };
    return { allow: index % 2 === 0, type: index % 2 ? 'b' : 'c', ...numbers, access: ways[(index * 5) % 6] ?? 'r' };
  });
  const programs = [...fc.sample(rules, 40), largest].map((each) => deviceProgram(deviceFilter(each)));
  const flags = 0x210000;
  const steps = [
    step('stage', 'monitor', {}, note),
    step('open', 'stage', { fd: 'cgroup', path, flags }, note),
    ...programs.map((program) => step('device-filter', 'stage', { cgroup: 'cgroup', program }, note)),
    step('clone', 'stage', { pidfd: 'init', namespaces: 0 }, note),
    step('exec', 'init', { candidates: ['/bin/true'], argv: ['true'], env: [], reaper: 0 }, note),
  ];
  const { events } = await feed(Buffer.from(encodePlan({ steps })), { supervisor: 'lives' });
  t.like(events.at(-1), { kind: 'exited', status: 0 });
});
