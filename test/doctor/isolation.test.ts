import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import test from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import { RIGHTS } from '../../src/doctor/rights.js';
import { defaultCapabilities } from '../../src/spec/defaults.js';
import type { SeccompRule } from '../../src/spec/types.js';
import { box, CRT, ended, folder, host, ROOTFS, serial } from '../e2e/support.js';
import { look, mounting, PYTHON, refusing, startIn, without } from './around.js';
import { broken, repaired } from './broken.js';
import { checkOf, complaints, failing, finding, fixOf } from './report.js';

/** Those that are tried here. */
const ALL = ['system-calls', 'namespaces', 'filesystems', 'user-namespace', 'seccomp', 'no-new-privs', 'capabilities'].concat([
  'devices',
  'masks',
  'keyring',
  'security-modules',
  'container',
  'terminal',
]);
/** A filter is put around crt by a program in Python. */
const filtered = host.uid === 0 && existsSync(PYTHON) ? test.serial : test.serial.skip;
const v1 = host.uid === 0 && host.cgroup.mode !== 'v2' ? test.serial : test.serial.skip;
const ENOSYS = 38;
const EPERM = 1;

serial('nothing is wrong where nothing is broken', async (t) => {
  const report = await look([], ALL);
  t.deepEqual(report.checks.map(({ id }) => id).sort(), [...ALL].sort());
  for (const { id, verdict, findings } of report.checks)
    t.true(verdict === 'pass' || verdict === 'info', `${id}: ${JSON.stringify(findings)}`);
});

for (const [name, { verdict, use, cost }] of Object.entries(RIGHTS)) {
  serial(`without ${name} it is capabilities that tells, and what it is for is said (needs setpriv)`, async (t) => {
    const report = await look(without(name), [...ALL, 'overlay', 'rootfs', 'cgroup-controllers']);
    const found = finding(report, 'capabilities');
    t.deepEqual([found.observed, found.verdict, found.cost], [`crt does not have ${name}, which ${use}`, verdict, cost]);
    const isGiven = defaultCapabilities().bounding.includes(name);
    // A whole start fails as well; all others know whose fault it is.
    t.deepEqual(
      failing(report).filter((id) => id !== 'container'),
      verdict === 'fail' || isGiven ? ['capabilities'] : [],
    );
    const told = report.checks.filter((check) => check.verdict === 'unknown');
    for (const { findings } of told)
      t.is(findings.find((one) => one.verdict === 'unknown')?.observed, 'could not be tried: see capabilities');
    t.is(checkOf(report, 'container').verdict === 'pass', verdict === 'warn' && !isGiven, 'it is needed indeed');
  });
}

serial('a default capability that crt lacks: the flag that is shown helps', async (t) => {
  const around = without('CAP_NET_BIND_SERVICE');
  const report = await look(around, ALL);
  t.is(finding(report, 'capabilities').observed, 'crt does not have CAP_NET_BIND_SERVICE, which a container gets');
  t.regex(finding(report, 'capabilities').fix?.advice ?? '', /--cap-drop NET_BIND_SERVICE/);
  t.deepEqual(failing(report), ['capabilities']);
  t.is(finding(report, 'container').observed, 'could not be tried: see capabilities');
  const refused = await ended(startIn(around, [...CRT, 'run', box(t), '--', 'true']));
  t.is(refused.code, 125);
  const { code, stderr } = await ended(startIn(around, [...CRT, 'run', box(t), '--cap-drop', 'NET_BIND_SERVICE', '--', 'true']));
  t.is(code, 0, stderr);
});

for (const call of ['clone3', 'openat2', 'fsopen', 'open_tree', 'move_mount', 'mount_setattr', 'pivot_root', 'close_range', 'pidfd_open']) {
  filtered(`a filter around crt that does not know ${call}(2): system-calls names it (needs python3)`, async (t) => {
    const report = await look(refusing(ENOSYS, { names: [call] }), ALL);
    t.true(
      finding(report, 'system-calls').observed.includes(call === 'pidfd_open' ? 'signal' : `${call}(2)`),
      finding(report, 'system-calls').observed,
    );
    t.deepEqual(
      failing(report).filter((id) => id !== 'container'),
      ['system-calls'],
    );
    for (const { id, verdict, findings } of report.checks)
      if (verdict === 'unknown')
        t.is(findings.find((one) => one.verdict === 'unknown')?.observed, 'could not be tried: see system-calls', id);
  });
}

filtered('a failed start names its step and its check (needs python3)', async (t) => {
  const report = await look(refusing(EPERM, { names: ['pivot_root'] }), ['container', 'system-calls']);
  t.regex(finding(report, 'container').observed, /^step \d+ \(pivot\) failed: operation not permitted \(EPERM\)/);
  t.regex(finding(report, 'container').fix?.advice ?? '', /; see the check system-calls$/);
  t.regex(finding(report, 'system-calls').observed, /^pivot_root\(2\) cannot be used: .*a seccomp filter lies around crt$/);
});

const REFUSED: readonly (readonly [id: CheckId, errno: number, rule: Omit<SeccompRule, 'action'>])[] = [
  ['keyring', EPERM, { names: ['keyctl'] }],
  ['keyring', ENOSYS, { names: ['keyctl'] }],
  ['seccomp', EPERM, { names: ['seccomp'] }],
  ['seccomp', ENOSYS, { names: ['seccomp'] }],
  // PR_SET_NO_NEW_PRIVS
  ['no-new-privs', EPERM, { names: ['prctl'], args: [{ index: 0, value: 38, op: 'SCMP_CMP_EQ' }] }],
  ['user-namespace', EPERM, { names: ['setns'] }],
  ['terminal', EPERM, { names: ['setsid'] }],
];
for (const [id, errno, rule] of REFUSED) {
  filtered(`a filter around crt that answers ${rule.names[0]}(2) with ${errno}: ${id} fails (needs python3)`, async (t) => {
    const report = await look(refusing(errno, rule), ALL);
    t.deepEqual(
      failing(report).filter((other) => other !== 'container'),
      [id],
    );
  });
}

/** As another container does: its own /proc is covered in part. */
const COVERED = 'mount -t tmpfs tmpfs /proc/tty';

serial('inside a container that covers parts of /proc: user-namespace fails, and both ways out help', async (t) => {
  const report = await look(mounting(COVERED), ALL);
  t.deepEqual(failing(report), ['user-namespace', 'container']);
  const { observed, fix } = finding(report, 'user-namespace');
  t.regex(observed, /^in a user namespace \/proc cannot be mounted: operation not permitted \(EPERM\)/);
  t.regex(fix?.advice ?? '', /unmount what findmnt -R \/proc shows, or give --userns host$/);
  t.regex(finding(report, 'container').fix?.advice ?? '', /see the check user-namespace$/);
  const { code, stderr } = await ended(startIn(mounting(COVERED), [...CRT, 'run', box(t), '--userns', 'host', '--', 'true']));
  t.is(code, 0, stderr);
  const again = await look(mounting(`${COVERED}; umount /proc/tty`), ['user-namespace', 'container']);
  t.deepEqual(failing(again), []);
});

const withRootfs = host.uid === 0 && ROOTFS !== 'host' ? test.serial : test.serial.skip;
withRootfs('a rootfs whose ids cannot be mapped: user-namespace fails and names it, a copy on another file system helps', async (t) => {
  const place = await folder(t);
  const script = [
    `mount -t tmpfs tmpfs ${place}`,
    `mkdir ${place}/upper ${place}/work ${place}/merged`,
    `mount -t overlay -o lowerdir=${ROOTFS},upperdir=${place}/upper,workdir=${place}/work overlay ${place}/merged`,
  ].join('\n');
  const report = await look(mounting(script), ['isolation'], { CRT_ROOTFS: `${place}/merged` });
  t.deepEqual(failing(report), ['user-namespace']);
  t.is(
    finding(report, 'user-namespace').observed,
    `the rootfs ${place}/merged is on overlay, on which the kernel cannot map ids for a user namespace`,
  );
  t.regex(finding(report, 'user-namespace').fix?.advice ?? '', /^--userns host/);
  t.deepEqual(failing(await look(mounting(script), ['isolation'])), []);
});

/** A /dev that is as good as the host's, but for one thing. */
const FAKE_DEV =
  'mount -t tmpfs -o mode=755 tmpfs /dev; touch /dev/null; mknod -m 666 /dev/urandom c 1 9; mkdir /dev/pts /dev/shm; ln -s /proc/self/fd /dev/fd';

serial('a file in the place of /dev/null: masks fails, and the commands that are shown repair it', async (t) => {
  const report = await look(mounting(FAKE_DEV), ['masks', 'keyring', 'seccomp']);
  t.deepEqual(failing(report), ['masks']);
  const { observed, fix } = finding(report, 'masks');
  t.regex(observed, /^\/dev\/null of the host is not the null device: no such device \(ENODEV\)$/);
  t.true((fix?.commands?.length ?? 0) > 0);
  const repaired = await look(mounting([FAKE_DEV, ...(fix?.commands ?? [])].join('\n')), ['masks']);
  t.deepEqual(failing(repaired), []);
});

v1('without the devices hierarchy: devices warns, and the commands that are shown mount it', async (t) => {
  const { mountpoint } = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('devices')) ?? {};
  if (mountpoint === undefined) return t.pass('it is not mounted here');
  const gone = `umount ${mountpoint}`;
  const report = await look(mounting(gone), ['devices', 'container']);
  t.is(checkOf(report, 'devices').verdict, 'warn');
  t.is(checkOf(report, 'container').verdict, 'pass');
  const { observed, fix } = finding(report, 'devices');
  t.is(observed, 'no device filter: the devices hierarchy is not mounted');
  const repaired = await look(mounting([gone, ...(fix?.commands ?? [])].join('\n')), ['devices']);
  t.is(checkOf(repaired, 'devices').verdict, 'pass');
});

serial('not root: only root can look', async (t) => {
  const name = `t-${randomBytes(4).toString('hex')}`;
  const report = await look(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'], ALL, { CRT_STATE_DIR: `/tmp/${name}` });
  t.deepEqual(failing(report), []);
  t.is(finding(report, 'container').observed, 'only root can look');
});

serial('a /dev/ptmx that gives no terminals: terminal says so, not node-pty, and what it shows repairs both', async (t) => {
  const world = await broken(t, 'mount --bind /dev/null /dev/ptmx');
  const report = await world.ask({ only: ['terminal', 'node-pty'] });
  t.regex(finding(report, 'terminal').observed, /^no terminal of the host can be opened: \/dev\/ptmx: /);
  t.false(/cannot be loaded/.test(JSON.stringify(checkOf(report, 'node-pty'))));
  await world.sh(fixOf(report, 'terminal'));
  t.is(checkOf(await world.ask({ only: ['terminal'] }), 'terminal').verdict, 'pass');
});

serial('a /dev without ptmx and pts', async (t) => {
  const world = await broken(t, `${FAKE_DEV}; rm /dev/null; mknod -m 666 /dev/null c 1 3`);
  await repaired(t, world, { only: ['terminal'] }, ['terminal warn']);
});

serial('no /dev/null: masks says so, not the helper, and so does a start, which blames no flag', async (t) => {
  const gone = `${FAKE_DEV}; rm /dev/null`;
  const world = await broken(t, gone);
  const report = await world.ask({ only: ['masks', 'helper', 'container'] });
  t.deepEqual(complaints(report), ['helper unknown', 'masks fail', 'container unknown']);
  t.regex(finding(report, 'masks').observed, /\/dev\/null cannot be opened/);
  const { stderr } = await ended(startIn(mounting(gone), [...CRT, 'run', box(t), '--', 'true']));
  t.regex(stderr, /bind-source \/dev\/null .*\n +sudo mknod -m 666 \/dev\/null c 1 3\n/);
  await world.sh(fixOf(report, 'masks'));
  t.deepEqual(complaints(await world.ask({ only: ['masks', 'helper'] })), []);
});

serial('a read-only /proc: user-namespace names it, so does a start, and the command that is shown repairs it', async (t) => {
  const script = 'mount --bind -o ro /proc /proc || mount -o remount,bind,ro /proc';
  const { stderr } = await ended(startIn(mounting(script), [...CRT, 'run', box(t), '--', 'true']));
  t.regex(stderr, /\(EROFS\)\. \/proc is mounted read-only\n/);
  const world = await broken(t, script);
  const report = await world.ask({ only: ['user-namespace'] });
  t.regex(finding(report, 'user-namespace').observed, /^\/proc is mounted read-only/);
  await world.sh(fixOf(report, 'user-namespace'));
  t.deepEqual(complaints(await world.ask({ only: ['user-namespace'] })), []);
});

serial('a /proc of processes alone is told in words, by each verb', async (t) => {
  const around = mounting('mount -t proc -o subset=pid proc /proc');
  for (const words of [['run', box(t), '--', 'true'], ['ps'], ['doctor', 'node']]) {
    const { code, stderr } = await ended(startIn(around, [...CRT, ...words]));
    t.is(code, 125, words[0]);
    t.regex(stderr, /^crt: \/proc\/\S+ is missing: crt needs a mounted \/proc, the whole of it\n +mount -t proc proc \/proc\n/m);
  }
  const repaired = await ended(startIn(mounting('mount -t proc -o subset=pid proc /proc; mount -t proc proc /proc'), [...CRT, 'ps']));
  t.is(repaired.code, 0, repaired.stderr);
});
