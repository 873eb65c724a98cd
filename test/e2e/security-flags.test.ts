import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { UserError } from '../../src/errors.js';
import { prepare, run, StepError } from '../../src/index.js';
import type { RunOptions } from '../../src/options.js';
import { type Plan, type Step, step } from '../../src/plan/step.js';
import { capabilityMask, capabilityNames } from '../../src/spec/capabilities.js';
import { defaultCapabilities } from '../../src/spec/defaults.js';
import { box, contain, crt, e2e, folder, host, ptyTest, ROOTFS, script, traces } from './support.js';

const KEPT = capabilityMask(defaultCapabilities().bounding);
const NET_ADMIN = capabilityMask(['CAP_NET_ADMIN']);

/** The lines of /proc/self/status inside. */
async function status(t: ExecutionContext, options: Partial<RunOptions>): Promise<(name: string) => string> {
  const { stdout } = await script(t, 'cat /proc/self/status', options);
  const lines = new Map(stdout.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
  return (name) => lines.get(name) ?? '';
}

async function capabilities(
  t: ExecutionContext,
  options: Partial<RunOptions>,
): Promise<Record<'CapPrm' | 'CapEff' | 'CapBnd' | 'CapInh' | 'CapAmb', bigint>> {
  const field = await status(t, options);
  const set = (name: string): bigint => BigInt(`0x${field(name)}`);
  return { CapPrm: set('CapPrm'), CapEff: set('CapEff'), CapBnd: set('CapBnd'), CapInh: set('CapInh'), CapAmb: set('CapAmb') };
}

const same = (mask: bigint): object => ({ CapPrm: mask, CapEff: mask, CapBnd: mask, CapInh: 0n, CapAmb: 0n });

e2e('--cap-add and --cap-drop: permitted, effective and bounding alike', async (t) => {
  t.deepEqual(await capabilities(t, { capAdd: ['net_admin'] }), same(KEPT | NET_ADMIN));
  t.deepEqual(await capabilities(t, { capDrop: ['KILL', 'CAP_CHOWN'] }), same(KEPT & ~capabilityMask(['CAP_KILL', 'CAP_CHOWN'])));
  t.deepEqual(await capabilities(t, { capDrop: ['ALL'] }), same(0n));
  t.deepEqual(await capabilities(t, { capDrop: ['ALL'], capAdd: ['NET_ADMIN'] }), same(NET_ADMIN));
  t.deepEqual(await capabilities(t, { capAdd: ['ALL'] }), same(host.capabilities));
});

e2e('what is added can be done, what is dropped cannot: a node with MKNOD, no new owner without CHOWN', async (t) => {
  const text = 'mknod /dev/mine c 1 5 2>/dev/null && echo made; touch /tmp/file; chown 1 /tmp/file 2>/dev/null && echo given; true';
  t.is((await script(t, text, { capAdd: ['MKNOD'], userns: 'host' })).stdout, 'made\ngiven\n');
  // No user namespace may make nodes, whatever its capabilities (mknod(2)).
  t.is((await script(t, text, { capAdd: ['MKNOD'] })).stdout, 'given\n');
  t.is((await script(t, text, { capDrop: ['CHOWN'] })).stdout, '');
});

e2e('another user than root gets what is added in the bounding set only, as with docker', async (t) => {
  const sets = await capabilities(t, { capAdd: ['NET_ADMIN'], user: 'nobody' });
  t.deepEqual(sets, { ...(same(0n) as typeof sets), CapBnd: KEPT | NET_ADMIN });
});

e2e('a capability that crt itself lacks is refused before anything is touched', (t) => {
  const [missing] = capabilityNames(~host.capabilities);
  if (missing === undefined) return t.pass('crt has them all here');
  const name = box(t);
  const error = t.throws(() => prepare({ name, rootfs: ROOTFS, capAdd: [missing] }), { instanceOf: UserError });
  t.regex(error?.message ?? '', new RegExp(`^${missing} cannot be given`));
});

e2e('no-new-privileges=false: off, with the filter all the same, for root and for others, and setuid files count', async (t) => {
  const securityOpt = { noNewPrivileges: false };
  for (const user of ['root', 'nobody']) {
    const field = await status(t, { securityOpt, user });
    t.is(field('NoNewPrivs'), '0');
    t.is(field('Seccomp'), '2');
    t.is(BigInt(`0x${field('CapBnd')}`), KEPT);
    t.is(BigInt(`0x${field('CapEff')}`), user === 'root' ? KEPT : 0n);
  }
  // The copy is setuid root, in the container's own layer; a shell would drop what it gains.
  const text = `cp "$(command -v grep)" /usr/local/bin/mine 2>/dev/null || cp "$(command -v grep)" /var/mine
    f=/usr/local/bin/mine; [ -e $f ] || f=/var/mine; chmod 4755 $f
    setpriv --reuid 65534 --regid 65534 --clear-groups $f -E '^(Uid|CapEff)' /proc/self/status`;
  const root = (await script(t, text, { securityOpt })).stdout;
  t.regex(root, /^Uid:\t65534\t0\t0\t0$/m);
  t.is(BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(root)?.[1]}`), KEPT);
  t.regex((await script(t, text)).stdout, /^Uid:\t65534\t65534\t65534\t65534$/m);
});

ptyTest('no-new-privileges=false with a terminal, a reaper and a hold before the exec', async (t) => {
  const command = ['grep', '-E', '^(NoNewPrivs|Seccomp):', '/proc/self/status'];
  const result = await contain(t, {
    command,
    tty: true,
    init: true,
    user: 'nobody',
    securityOpt: { noNewPrivileges: false },
    onSteps: () => {},
  });
  t.is(result.stdout, 'NoNewPrivs:\t0\r\nSeccomp:\t2\r\n');
});

e2e('a profile that forbids even the exec and the exit ends the start, and says so', async (t) => {
  const home = await folder(t);
  writeFileSync(`${home}/deny.json`, '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}');
  const error = await t.throwsAsync(contain(t, { command: ['true'], securityOpt: { seccomp: `${home}/deny.json` } }));
  t.regex(error?.message ?? '', /\(exec .*EPERM/);
  t.regex(String(Reflect.get(error ?? {}, 'hint')), /must allow execve/);
});

e2e('system calls of a profile that crt does not know are named once', async (t) => {
  const profile = `${await folder(t)}/profile.json`;
  writeFileSync(profile, '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["raed", "chroot"], "action": "SCMP_ACT_ERRNO"}]}');
  const { code, stderr } = await crt(t, ['run', box(t), '--security-opt', `seccomp=${profile}`, '--', 'true']);
  t.is(code, 0);
  t.deepEqual(stderr.match(/which get no rule: .*/g), ['which get no rule: raed']);
});

e2e('seccomp=unconfined: no filter; the default has one', async (t) => {
  t.is((await status(t, { securityOpt: { seccomp: 'unconfined' } }))('Seccomp'), '0');
  t.is((await status(t, {}))('Seccomp'), '2');
});

/** What of these paths is a mount of its own, by the table inside. */
async function covered(t: ExecutionContext, securityOpt: RunOptions['securityOpt'], more: Partial<RunOptions> = {}): Promise<string[]> {
  const { stdout } = await script(t, 'cut -d" " -f2 /proc/mounts', { ...more, ...(securityOpt ? { securityOpt } : {}) });
  return stdout.split('\n').filter((path) => /^\/(proc|sys|var)\/./.test(path) && !path.startsWith('/sys/fs/cgroup'));
}

e2e('mask and unmask: the mount table inside says so', async (t) => {
  const usual = await covered(t, undefined);
  t.true(usual.includes('/proc/keys') && usual.includes('/proc/sys'), usual.join());
  t.deepEqual(await covered(t, { unmask: 'ALL' }), []);
  t.deepEqual(
    await covered(t, { unmask: ['/proc/keys', '/proc/s*'] }),
    usual.filter((path) => path !== '/proc/keys' && !path.startsWith('/proc/s')),
  );
  t.deepEqual(
    (await covered(t, { mask: ['/proc/meminfo', '/proc/none'] })).filter((path) => !usual.includes(path)),
    ['/proc/meminfo'],
  );
  t.is((await script(t, 'wc -c < /proc/meminfo; ls -A /var', { securityOpt: { mask: ['/proc/meminfo', '/var'] } })).stdout, '0\n');
});

e2e('--device: the node works, with the numbers of the host’s, in a folder that was not there', async (t) => {
  const devices = [{ source: '/dev/zero', target: '/dev/my/own/zero' }, { source: '/dev/zero' }];
  const { stdout } = await script(t, 'stat -c "%F %t:%T %a" /dev/my/own/zero; head -c 3 /dev/my/own/zero | od -An -tx1', { devices });
  t.is(stdout, 'character special file 1:5 666\n 00 00 00\n');
});

e2e('--device: what is no device, is not there, or has no place is refused', (t) => {
  const refused = (device: { source: string; target?: string }): string => {
    const error = t.throws(() => prepare({ name: box(t), rootfs: ROOTFS, devices: [device] }), { instanceOf: UserError });
    return error?.message ?? '';
  };
  t.regex(refused({ source: '/dev/none-such' }), /^devices\[0\]\.source: .* is not there/);
  t.regex(refused({ source: '/etc/passwd', target: '/dev/x' }), /^devices\[0\]\.source: .* is not a device/);
  t.regex(refused({ source: '/dev/zero', target: '/dev/null' }), /place of another device/);
  t.regex(refused({ source: '/dev/zero', target: '/srv/zero' }), /none works outside \/dev/);
});

e2e('--network host: the interfaces of the host, its /etc/hosts and resolv.conf; none: loopback', async (t) => {
  const interfaces = readFileSync('/proc/net/dev', 'utf8')
    .replace(/^.*\n.*\n/, '')
    .match(/^\s*[^:\s]+(?=:)/gm)
    ?.map((name) => name.trim());
  const text = 'ls /sys/class/net | tr "\\n" " "; echo; readlink /proc/self/ns/net; cat /etc/resolv.conf';
  const { stdout } = await script(t, text, { network: 'host' });
  const [names = '', namespace, ...resolv] = stdout.split('\n');
  t.true(
    interfaces?.every((name) => names.split(' ').includes(name)),
    names,
  );
  t.is(namespace, readlinkSync('/proc/self/ns/net'));
  t.is(resolv.join('\n'), readFileSync('/etc/resolv.conf', 'utf8'));
  t.regex((await script(t, text, { network: 'none' })).stdout, /^lo \n/);
});

e2e('--privileged: capabilities, filter, masks, sysfs and devices; the limits and what is asked for hold', async (t) => {
  const text = `grep -E '^(CapEff|Seccomp):' /proc/self/status; grep -c -E ' /proc/.' /proc/mounts; grep -E ' /sys(/fs/cgroup)? ' /proc/mounts | cut -d' ' -f2,4 | cut -d, -f1
    mknod /dev/mine c 1 5 && head -c 1 /dev/mine | od -An -tx1`;
  const { stdout } = await script(t, text, { privileged: true, capDrop: ['SYS_MODULE'] });
  const eff = (host.capabilities & ~capabilityMask(['CAP_SYS_MODULE'])).toString(16).padStart(16, '0');
  t.is(stdout, `CapEff:\t${eff}\nSeccomp:\t0\n0\n/sys rw\n/sys/fs/cgroup ro\n 00\n`);
});

e2e('what a container costs is said once; what is loosened is in its record', async (t) => {
  const name = box(t);
  const { code, stderr } = await crt(t, ['run', name, '--privileged', '--net', 'host', '--', 'true']);
  t.is(code, 0);
  t.is(stderr.match(/--privileged: root inside can take over this machine/g)?.length, 1);
  t.is(stderr.match(/--network host: the container has the network of this machine/g)?.length, 1);
  let record: { loosened?: string[] } = {};
  await contain(t, {
    command: ['true'],
    capAdd: ['net_admin'],
    network: 'host',
    securityOpt: { seccomp: 'unconfined' },
    onStart: (container) => {
      record = JSON.parse(readFileSync(`${process.env['CRT_STATE_DIR'] ?? '/run/crt'}/${container.name}/state.json`, 'utf8'));
    },
  });
  t.deepEqual(record.loosened, ['network=host', 'cap-add=CAP_NET_ADMIN', 'seccomp=unconfined']);
});

e2e('what is not built, or not to be had here, ends with 125 and touches nothing', async (t) => {
  const profile = `${await folder(t)}/profile.json`;
  writeFileSync(profile, '{}');
  const name = box(t);
  const lines: (readonly [string[], RegExp])[] = [
    [['--network', 'bridge'], /not built yet/],
    [['--userns', 'keep-id'], /not built yet/],
    [['--security-opt', 'seccomp=/none/such'], /no such file or directory/],
    [['--security-opt', 'bogus=1'], /does not know this/],
    [['--cap-add', 'NOPE'], /not a capability/],
    [['--device', '/dev/none-such'], /is not there/],
  ];
  if (!host.lsm.apparmor) lines.push([['--security-opt', 'apparmor=strict'], /AppArmor is not enabled/]);
  if (!host.lsm.selinux) lines.push([['--security-opt', 'label=type:x_t'], /SELinux is not enabled/]);
  for (const [flags, says] of lines) {
    const { code, stderr } = await crt(t, ['run', name, ...flags, '--', 'true']);
    t.is(code, 125, flags.join(' '));
    t.regex(stderr, says);
    t.deepEqual(traces(name), []);
  }
});

/** Puts a step before the filter; the plan is not encoded yet. */
function insertLabel(plan: Plan, file: string, label: string): void {
  const at = plan.steps.findIndex(({ op }) => op === 'seccomp');
  (plan.steps as Step[]).splice(at, 0, step('exec-label', 'init', { root: 'root', file, label }, { chapter: 'process', why: 'a test' }));
}

e2e('exec-label writes through the container’s procfs, after the pivot, as the process that will exec', async (t) => {
  // No security module here: another file of /proc/self takes the text.
  const { stdout } = await script(t, 'cat /proc/1/oom_score_adj', {
    // In a user namespace that file is out of reach until the exec.
    userns: 'host',
    onPlan: (plan) => insertLabel(plan, '/proc/self/oom_score_adj', '321'),
  });
  t.is(stdout, '321\n');
});

e2e('exec-label never writes elsewhere, and a label that the kernel refuses ends the start', async (t) => {
  const fails = async (file: string): Promise<StepError | undefined> => {
    const onPlan = (plan: Plan): void => insertLabel(plan, file, 'exec x');
    return t.throwsAsync(run({ name: box(t), rootfs: ROOTFS, command: ['true'], onPlan }), { instanceOf: StepError });
  };
  const elsewhere = await fails('/etc/hostname');
  t.deepEqual([elsewhere?.op, elsewhere?.errno], ['exec-label', 18]);
  if (host.lsm.apparmor || host.lsm.selinux) return;
  const refused = await fails('/proc/self/attr/exec');
  t.deepEqual([refused?.op, refused?.errno], ['exec-label', 22]);
});
