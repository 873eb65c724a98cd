import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import test from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import { NEEDED } from '../../src/doctor/blame.js';
import type { SeccompRule } from '../../src/spec/types.js';
import { box, CRT, folder, host, onV1, ROOTFS, serial } from '../e2e/support.js';
import { failing, finding, look, mounting, PYTHON, refusing, runIn, without } from './around.js';

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
const v1 = onV1 === test ? test.serial : test.serial.skip;
const ENOSYS = 38;
const EPERM = 1;

serial('nothing is wrong where nothing is broken', async (t) => {
  const report = await look(t, [], ALL);
  t.deepEqual([...report.keys()].sort(), [...ALL].sort());
  for (const { id, verdict, findings } of report.values())
    t.true(verdict === 'pass' || verdict === 'info', `${id}: ${JSON.stringify(findings)}`);
});

for (const [name, purpose] of Object.entries(NEEDED)) {
  serial(`without ${name} it is capabilities that fails, and what it is for is said (needs setpriv)`, async (t) => {
    const report = await look(t, without(name), ALL);
    t.is(finding(report, 'capabilities').observed, `crt does not have ${name}, which ${purpose}`);
    // A whole start fails as well; all others know whose fault it is.
    t.deepEqual(
      failing(report).filter((id) => id !== 'container'),
      ['capabilities'],
    );
    const told = [...report.values()].filter(({ verdict }) => verdict === 'unknown');
    for (const { findings } of told)
      t.is(findings.find(({ verdict }) => verdict === 'unknown')?.observed, 'could not be tried: see capabilities');
    t.not(report.get('container')?.verdict, 'pass', 'it is needed indeed');
  });
}

serial('a default capability that crt lacks: the flag that is shown helps', async (t) => {
  const around = without('CAP_NET_BIND_SERVICE');
  const report = await look(t, around, ALL);
  t.is(finding(report, 'capabilities').observed, 'crt does not have CAP_NET_BIND_SERVICE, which a container gets');
  t.regex(finding(report, 'capabilities').fix?.advice ?? '', /--cap-drop NET_BIND_SERVICE/);
  t.deepEqual(failing(report), ['capabilities']);
  t.is(finding(report, 'container').observed, 'could not be tried: see capabilities');
  const refused = await runIn(around, [...CRT, 'run', box(t), '--', 'true']);
  t.is(refused.code, 125);
  const { code, stderr } = await runIn(around, [...CRT, 'run', box(t), '--cap-drop', 'NET_BIND_SERVICE', '--', 'true']);
  t.is(code, 0, stderr);
});

for (const call of ['clone3', 'openat2', 'fsopen', 'open_tree', 'move_mount', 'mount_setattr', 'pivot_root', 'close_range', 'pidfd_open']) {
  filtered(`a filter around crt that does not know ${call}(2): system-calls names it (needs python3)`, async (t) => {
    const report = await look(t, refusing(ENOSYS, { names: [call] }), ALL);
    t.true(
      finding(report, 'system-calls').observed.includes(call === 'pidfd_open' ? 'signal' : `${call}(2)`),
      finding(report, 'system-calls').observed,
    );
    t.deepEqual(
      failing(report).filter((id) => id !== 'container'),
      ['system-calls'],
    );
    for (const { id, verdict, findings } of report.values())
      if (verdict === 'unknown')
        t.is(findings.find((one) => one.verdict === 'unknown')?.observed, 'could not be tried: see system-calls', id);
  });
}

filtered('a failed start names its step and its check (needs python3)', async (t) => {
  const report = await look(t, refusing(EPERM, { names: ['pivot_root'] }), ['container', 'system-calls']);
  t.regex(finding(report, 'container').observed, /^step \d+ \(pivot\) failed: operation not permitted \(EPERM\)/);
  t.regex(finding(report, 'container').fix?.advice ?? '', /; crt doctor system-calls$/);
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
    const report = await look(t, refusing(errno, rule), ALL);
    t.deepEqual(
      failing(report).filter((other) => other !== 'container'),
      [id],
    );
  });
}

/** As another container does: its own /proc is covered in part. */
const COVERED = 'mount -t tmpfs tmpfs /proc/tty';

serial('inside a container that covers parts of /proc: user-namespace fails, and both ways out help', async (t) => {
  const report = await look(t, mounting(COVERED), ALL);
  t.deepEqual(failing(report), ['user-namespace', 'container']);
  const { observed, fix } = finding(report, 'user-namespace');
  t.regex(observed, /^in a user namespace \/proc cannot be mounted: operation not permitted \(EPERM\)/);
  t.regex(fix?.advice ?? '', /unmount what findmnt -R \/proc shows, or give --userns host$/);
  t.regex(finding(report, 'container').fix?.advice ?? '', /crt doctor user-namespace$/);
  const { code, stderr } = await runIn(mounting(COVERED), [...CRT, 'run', box(t), '--userns', 'host', '--', 'true']);
  t.is(code, 0, stderr);
  const again = await look(t, mounting(`${COVERED}; umount /proc/tty`), ['user-namespace', 'container']);
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
  const report = await look(t, mounting(script), ['isolation'], { CRT_ROOTFS: `${place}/merged` });
  t.deepEqual(failing(report), ['user-namespace']);
  t.is(
    finding(report, 'user-namespace').observed,
    `the rootfs ${place}/merged is on overlay, on which the kernel cannot map ids for a user namespace`,
  );
  t.regex(finding(report, 'user-namespace').fix?.advice ?? '', /^--userns host/);
  t.deepEqual(failing(await look(t, mounting(script), ['isolation'])), []);
});

/** A /dev that is as good as the host's, but for one thing. */
const FAKE_DEV =
  'mount -t tmpfs -o mode=755 tmpfs /dev; touch /dev/null; mknod -m 666 /dev/urandom c 1 9; mkdir /dev/pts /dev/shm; ln -s /proc/self/fd /dev/fd';

serial('a file in the place of /dev/null: masks fails, and the commands that are shown repair it', async (t) => {
  const report = await look(t, mounting(FAKE_DEV), ['masks', 'keyring', 'seccomp']);
  t.deepEqual(failing(report), ['masks']);
  const { observed, fix } = finding(report, 'masks');
  t.regex(observed, /^\/dev\/null of the host is not the null device: no such device \(ENODEV\)$/);
  t.true((fix?.commands?.length ?? 0) > 0);
  const repaired = await look(t, mounting([FAKE_DEV, ...(fix?.commands ?? [])].join('\n')), ['masks']);
  t.deepEqual(failing(repaired), []);
});

v1('without the devices hierarchy: devices warns, and the commands that are shown mount it', async (t) => {
  const { mountpoint } = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('devices')) ?? {};
  if (mountpoint === undefined) return t.pass('it is not mounted here');
  const gone = `umount ${mountpoint}`;
  const report = await look(t, mounting(gone), ['devices', 'container']);
  t.is(report.get('devices')?.verdict, 'warn');
  t.is(report.get('container')?.verdict, 'pass');
  const { observed, fix } = finding(report, 'devices');
  t.is(observed, 'no device filter: the devices hierarchy is not mounted');
  const repaired = await look(t, mounting([gone, ...(fix?.commands ?? [])].join('\n')), ['devices']);
  t.is(repaired.get('devices')?.verdict, 'pass');
});

serial('not root: only root can look', async (t) => {
  const name = `t-${randomBytes(4).toString('hex')}`;
  const report = await look(t, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'], ALL, { CRT_STATE_DIR: `/tmp/${name}` });
  t.deepEqual(failing(report), []);
  t.is(finding(report, 'container').observed, 'only root can look');
});
