import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { PassThrough } from 'node:stream';
import { chooseIds } from '../../src/ids.js';
import { list, remove, run, StepError } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { smallRootfs } from './small-rootfs.js';
import { box, contain, e2e, folder, ROOTFS, script } from './support.js';

const FIRST = 0x70000000;
const LAST = 0x7ffdffff;
const roots = stateRoots();
const claimed = (): string[] => readdirSync(`${roots.layers}/.ids`);

/** The first id of the host in /proc/self/uid_map. */
function base(uidMap: string): number {
  return Number(uidMap.trim().split(/\s+/)[1]);
}

e2e('root inside is an id of the host that nobody has, and so is everybody else', async (t) => {
  const maps: string[] = [];
  const name = box(t);
  // It waits for this: what ends by itself may be gone before it is looked at.
  const input = new PassThrough();
  await run({
    name,
    rootfs: ROOTFS,
    command: ['sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; read go'],
    input,
    onStart: ({ pid }) => {
      maps.push(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'));
      input.end('go\n');
    },
  }).then(({ stdout }) => maps.push(stdout));
  const [, status = '', inside = ''] = maps;
  const first = base(inside);
  t.true(first >= FIRST && first <= LAST && first % 65536 === 0, String(first));
  t.deepEqual(
    inside
      .trim()
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' ')),
    [`0 ${first} 65536`, `0 ${first} 65536`],
  );
  t.regex(status, new RegExp(`^Uid:\\t${first}\\t${first}\\t${first}\\t${first}$`, 'm'));
  t.regex(status, /^Groups:\t *$/m);
  t.false(claimed().includes(first.toString(16)), 'the range is given back');
});

e2e('files of the image show their owners, and what is written belongs to the range', async (t) => {
  const name = box(t);
  const result = await run({
    name,
    rootfs: ROOTFS,
    keep: true,
    command: [
      'sh',
      '-c',
      'stat -c "%u:%g" /etc/passwd /etc/shadow /usr/bin/env /dev/null /etc/hosts; touch /root/mine; chown 33:33 /root/mine; stat -c %u:%g /root/mine; cat /proc/self/uid_map',
    ],
  });
  const lines = result.stdout.trim().split('\n');
  const image = ROOTFS === 'host' ? ['0:0', '0:0'] : ['/etc/passwd', '/etc/shadow'].map((path) => owner(`${ROOTFS}${path}`));
  t.deepEqual(lines.slice(0, 6), [...image, '0:0', '0:0', '0:0', '33:33']);
  const first = base(lines[6] ?? '');
  const layer = list({ all: true }).find((container) => container.name === name)?.layer ?? '';
  t.is(owner(`${layer}/upper/root/mine`), `${first + 33}:${first + 33}`);
  // The range stays with the layer until it is removed.
  t.true(claimed().includes(first.toString(16)));
  t.not(chooseIds(roots), first);
  remove(name);
  t.false(claimed().includes(first.toString(16)));
});

function owner(path: string): string {
  const { uid, gid } = lstatSync(path);
  return `${uid}:${gid}`;
}

e2e('two containers never share an id', async (t) => {
  const outputs = await Promise.all([0, 1, 2, 3].map(() => script(t, 'cat /proc/self/uid_map; sleep 0.3')));
  const firsts = outputs.map(({ stdout }) => base(stdout));
  t.is(new Set(firsts).size, 4, firsts.join(' '));
});

for (const uid of [0, 1000]) {
  e2e(`a folder of user ${uid}: owners are those of the host, root inside writes as owner 0, no flag can be lifted`, async (t) => {
    const home = await folder(t);
    chownSync(home, uid, uid);
    writeFileSync(`${home}/mine`, 'mine\n', { mode: 0o600 });
    chownSync(`${home}/mine`, uid, uid);
    const { stdout, stderr, exitCode } = await script(
      t,
      'stat -c "%u" /data /data/mine; cat /data/mine; echo new > /data/new; chown 5 /data/new; echo more >> /data/mine; mkdir /data/sub; mount -o remount,bind,rw /ro 2>&1 || echo refused; touch /ro/x || echo read-only',
      {
        mounts: [
          { source: home, target: '/data' },
          { source: home, target: '/ro', readonly: true },
        ],
      },
    );
    t.is(exitCode, 0, stderr);
    t.true(stdout.startsWith(`${uid}\n${uid}\nmine\n`), stdout);
    t.true(stdout.includes('refused') && stdout.endsWith('read-only\n'), stdout);
    t.is(owner(`${home}/new`), `5:${0}`);
    t.is(owner(`${home}/sub`), '0:0');
    t.is(readFileSync(`${home}/mine`, 'utf8'), 'mine\nmore\n');
  });
}

/** Every way to a setuid file that a program has, and file capabilities; then what became of it. */
const SET_ID = `
import os
def attempt(name, call):
    try: call(); print(name, 'yes')
    except OSError as error: print(name, error.strerror)
os.chdir('/data')
open('plain', 'w').close()
attempt('chmod', lambda: os.chmod('plain', 0o4755))
fd = os.open('plain', os.O_RDWR)
attempt('fchmod', lambda: os.fchmod(fd, 0o4755))
attempt('open', lambda: os.open('born', os.O_CREAT | os.O_WRONLY, 0o4755))
attempt('setgid', lambda: os.chmod('plain', 0o2755))
attempt('mkdir', lambda: os.mkdir('sub', 0o2755))
caps = bytes.fromhex('0100000200000000' + '20000000' + '00000000' + '00000000')
attempt('capability', lambda: os.setxattr('plain', 'security.capability', caps))
attempt('ordinary', lambda: os.chmod('plain', 0o755))
attempt('sticky', lambda: os.chmod('.', 0o1777))
`;
for (const uid of [0, 1000]) {
  e2e(`a folder of user ${uid}: no file in it becomes setuid or gets capabilities`, async (t) => {
    const home = await folder(t);
    chownSync(home, uid, uid);
    const mounts = [{ source: home, target: '/data' }];
    const command = ['python3', '-c', SET_ID];
    const { stdout, stderr } = await contain(t, { command, mounts });
    const refused = ['chmod', 'fchmod', 'open', 'setgid', 'mkdir', 'capability'].map((name) => `${name} Operation not permitted`);
    t.deepEqual(stdout.trim().split('\n'), [...refused, 'ordinary yes', 'sticky yes'], stderr);
    for (const name of readdirSync(home)) t.is(statSync(`${home}/${name}`).mode & 0o6000, 0, name);
    // Without the guard, to show that it is the guard: on the host that file would be a root shell for everybody.
    const open = await contain(t, { command, mounts, securityOpt: { setId: true } });
    t.regex(open.stdout, /^chmod yes$/m);
    // Whatever else is asked for.
    for (const more of [{ securityOpt: { seccomp: 'unconfined' } }, { capAdd: ['ALL'] }, { userns: 'host' as const }, { init: true }]) {
      chmodSync(`${home}/plain`, 0o644);
      const { stdout: still } = await contain(t, { command, mounts, ...more });
      t.regex(still, /^chmod Operation not permitted$/m, JSON.stringify(more));
      t.regex(still, /^capability Operation not permitted$/m, JSON.stringify(more));
      t.is(statSync(`${home}/plain`).mode & 0o6000, 0, JSON.stringify(more));
    }
  });
}

e2e('the layer may hold setuid files, of ids that nobody has', async (t) => {
  const { stdout } = await script(t, 'cp /bin/true /tmp/t; chmod 4755 /tmp/t; stat -c %a /tmp/t');
  t.is(stdout, '4755\n');
});

e2e('a name of /etc/passwd with an id that the user namespace does not have: the error says so', async (t) => {
  const rootfs = await smallRootfs(t);
  appendFileSync(`${rootfs}/etc/passwd`, 'far:x:99999:0::/:/bin/sh\n');
  chmodSync(rootfs, 0o755);
  const error = await t.throwsAsync(run({ name: box(t), rootfs, user: 'far', command: ['id', '-u'] }), { instanceOf: StepError });
  t.regex(error?.message ?? '', /is none of the ids of the user namespace, 0 to 65535$/);
  t.regex(error?.hint ?? '', /--userns host/);
  const { stdout } = await run({ name: box(t), rootfs, user: 'far', userns: 'host', command: ['id', '-u'] });
  t.is(stdout, '99999\n');
});

e2e('without a user namespace root inside is root of the host', async (t) => {
  const name = box(t);
  const { stdout } = await run({ name, rootfs: ROOTFS, userns: 'host', command: ['cat', '/proc/self/uid_map'] });
  t.regex(stdout, /^ +0 +0 +4294967295$/m);
});

e2e('a folder whose ids cannot be mapped is refused, with the flag that goes without', async (t) => {
  const error = await t.throwsAsync(script(t, 'true', { mounts: [{ source: '/sys/kernel', target: '/data' }] }));
  t.regex(error?.message ?? '', /^mounts\[0\]\.source: \/sys\/kernel is on sysfs, on which the kernel cannot map ids/);
  t.regex(String(Reflect.get(error ?? {}, 'hint')), /--userns host/);
});

e2e('a range whose owner is gone is given back by the next look', async (t) => {
  // As a restart leaves it: the link is there, /run and the layer are not.
  await script(t, 'true');
  mkdirSync(`${roots.layers}/.ids`, { recursive: true });
  const name = (FIRST + 77 * 65536).toString(16);
  symlinkSync(`0123456789abcdef\n\n${roots.state}/t-nobody`, `${roots.layers}/.ids/${name}`);
  list({ all: true });
  t.false(claimed().includes(name));
});

e2e('a range that another start has taken meanwhile: the next one is tried, and nothing is told twice', async (t) => {
  const told: string[] = [];
  let taken = 0;
  const { stdout } = await script(t, 'cat /proc/self/uid_map', {
    onNotice: (text) => told.push(text),
    network: 'host',
    onPlan: (_, { linux }) => {
      told.push('the plan');
      if (taken > 0) return;
      taken = linux.uidMappings?.[0]?.hostID ?? 0;
      const link = `${roots.layers}/.ids/${taken.toString(16)}`;
      mkdirSync(`${roots.layers}/.ids`, { recursive: true });
      // Of a layer that is there, so that nobody gives it back.
      symlinkSync(`0123456789abcdef\n/\n${roots.state}/t-nobody`, link);
      t.teardown(() => unlinkSync(link));
    },
  });
  t.true(taken >= FIRST && base(stdout) >= FIRST);
  t.not(base(stdout), taken);
  t.is(told.filter((text) => text.startsWith('--network host')).length, 1);
  t.is(told.filter((text) => text === 'the plan').length, 1);
});

e2e('a layer is out of reach of other users of the host', (t) => {
  t.is(statSync(roots.layers).mode & 0o077, 0);
});
