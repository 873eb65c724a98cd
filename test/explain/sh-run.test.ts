import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { limitsV1, limitsV2 } from '../../src/cgroup/limits.js';
import { explainShell, type ShellExtras, type SkeletonEntry } from '../../src/explain/sh.js';
import type { RunOptions } from '../../src/options.js';
import { prepare } from '../../src/prepare.js';

// The scripts really start containers, so this needs root. The rootfs is this machine's /usr below a folder of our own.
const asRoot = process.getuid?.() === 0 ? test.serial : test.serial.skip;
const scratch = mkdtempSync(join(tmpdir(), 'crt-explain-'));
const rootfs = join(scratch, 'rootfs');
const name = `crt-explain-${process.pid}`;

test.before(() => {
  for (const folder of ['', '/usr', '/etc', '/proc', '/sys', '/dev', '/root']) mkdirSync(rootfs + folder);
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, `${rootfs}/${link}`);
  writeFileSync(`${rootfs}/etc/passwd`, 'root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000:Ada:/home/ada:/bin/sh\n');
  writeFileSync(`${rootfs}/etc/group`, 'root:x:0:\nada:x:1000:\nvideo:x:44:ada\n');
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

function scriptFor(options: Partial<RunOptions>, extras: Partial<ShellExtras> = {}): string {
  const prepared = prepare({ name, rootfs, memory: 52428800, mounts: [{ source: '/usr', target: '/usr', readonly: true }], ...options });
  const resources = prepared.config.linux.resources ?? {};
  const limits = prepared.facts.cgroup.mode === 'v2' ? limitsV2(resources) : limitsV1(resources, { cpus: '', mems: '' });
  return explainShell(prepared.plan, prepared.config, { name, limits, ...extras });
}

/** Runs a script with a scratch folder of its own, and looks at what is left of it. */
function runScript(
  script: string,
  env: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string; left: string[] } {
  const temporary = mkdtempSync(join(scratch, 'tmp-'));
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...env, TMPDIR: temporary },
  });
  const cgroups = [...script.matchAll(/^cgroup (\S+)$/gm)].map(([, path = '']) => path);
  return { status, stdout, stderr, left: [...readdirSync(temporary), ...cgroups.filter((path) => existsSync(path))] };
}

asRoot('the script gives the capabilities that are asked for, without no_new_privs, and a device in a folder', (t) => {
  const command = 'grep -E "^(CapEff|NoNewPrivs):" /proc/self/status; stat -c %t:%T /dev/my/zero';
  const script = scriptFor({
    command: ['/bin/bash', '-c', command],
    capDrop: ['ALL'],
    capAdd: ['CHOWN', 'NET_ADMIN'],
    securityOpt: { noNewPrivileges: false },
    devices: [{ source: '/dev/zero', target: '/dev/my/zero' }],
  });
  const { stdout, stderr } = runScript(script);
  t.is(stdout, 'CapEff:\t0000000000001001\nNoNewPrivs:\t0\n1:5\n', stderr);
});

asRoot('the script starts a container like the plan', (t) => {
  const command =
    'echo pid $$; hostname; id -u; pwd; ulimit -Hn; umask; cat /proc/self/status; echo; cat /etc/hostname; ls -d /proc/[0-9]*; echo $A; exit 7';
  const script = scriptFor({
    command: ['/bin/bash', '-c', command],
    cwd: '/made/here',
    ulimits: { nofile: [64, 128] },
    env: { A: "it's \x1b[31m\n" },
  });
  const { status, stdout, stderr, left } = runScript(script);
  t.is(status, 7, stderr);
  const lines = stdout.split('\n');
  t.deepEqual(lines.slice(0, 6), ['pid 1', name, '0', '/made/here', '128', '0022']);
  const field = (key: string) => lines.find((line) => line.startsWith(`${key}:`))?.split('\t')[1];
  t.is(field('CapEff'), '00000000800405fb');
  t.is(field('CapBnd'), '00000000800405fb');
  t.is(field('CapInh'), '0000000000000000');
  t.is(field('NoNewPrivs'), '1');
  t.is(field('SigIgn'), '0000000000000000');
  t.deepEqual(
    lines.filter((line) => /^\/proc\/\d+$/.test(line)),
    ['/proc/1'],
  );
  t.true(stdout.includes(`\n${name}\n/proc/1`));
  t.true(stdout.endsWith("it's \x1b[31m\n") || stdout.endsWith("it's \x1b[31m\n\n"), JSON.stringify(stdout.slice(-20)));
  t.deepEqual(left, []);
});

asRoot('the namespaces are its own, and the mounts of the host are gone', (t) => {
  const kinds = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'];
  const links = `readlink ${kinds.map((kind) => `/proc/self/ns/${kind}`).join(' ')}`;
  const { stdout, stderr, left } = runScript(
    scriptFor({ command: ['/bin/sh', '-c', `${links}; cat /proc/self/mountinfo; cat /sys/class/net/lo/operstate; ls /sys/class/net`] }),
  );
  const ours = execFileSync('sh', ['-c', links], { encoding: 'utf8' }).trim().split('\n');
  const lines = stdout.trim().split('\n');
  for (const [index] of kinds.entries()) {
    t.regex(lines[index] ?? '', /^[a-z]+:\[\d+\]$/, stderr);
    t.not(lines[index], ours[index]);
  }
  t.false(stdout.includes(` ${scratch}/tmp`), 'no mount point of the host');
  t.is(lines.at(-1), 'lo');
  t.deepEqual(left, []);
});

asRoot('the memory limit is set, and kills', (t) => {
  const script = scriptFor({
    command: [
      '/bin/sh',
      '-c',
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max; tail /dev/zero; echo $?',
    ],
  });
  const { stdout, left } = runScript(script);
  t.deepEqual(stdout.trim().split('\n'), ['52428800', '137']);
  t.deepEqual(left, []);
});

asRoot('another user, with its groups and home, below a reaper', (t) => {
  const script = scriptFor({ command: ['sh', '-c', 'id; echo $HOME $$; grep CapEff /proc/self/status'], user: 'ada', init: true });
  const { status, stdout, stderr, left } = runScript(script);
  t.is(status, 0, stderr);
  t.regex(stdout, /^uid=1000\(ada\) gid=1000\(ada\) groups=1000\(ada\),44\(video\)\n\/home\/ada [2-9]\d*\nCapEff:\t0{16}\n$/);
  t.deepEqual(left, []);
});

asRoot('a secret is taken from the environment, and missed before anything is made', (t) => {
  const script = scriptFor({ command: ['/bin/sh', '-c', 'echo $API_TOKEN'], env: { API_TOKEN: 'tok-4711' } });
  const without = runScript(script);
  t.not(without.status, 0);
  t.true(without.stderr.includes('API_TOKEN: its value is not written here'));
  t.deepEqual(without.left, []);
  t.is(runScript(script, { API_TOKEN: 'given' }).stdout, 'given\n');
});

asRoot('an error inside ends the script, and nothing is left', (t) => {
  const script = scriptFor({
    command: ['/bin/true'],
    mounts: [
      { source: '/usr', target: '/usr' },
      { type: 'tmpfs', target: '/t', size: 4096 },
    ],
  }).replace('size=4096', 'sizzle=4096');
  const { status, stderr, left } = runScript(script);
  t.not(status, 0);
  t.true(stderr.includes('/t'), stderr);
  t.deepEqual(left, []);
});

asRoot('the layer in memory, and the rootfs itself', (t) => {
  const inMemory = runScript(scriptFor({ command: ['/bin/sh', '-c', 'echo x > /made; stat -f -c %T /; cat /made'], storageSize: 1 << 20 }));
  t.is(inMemory.stdout, 'overlayfs\nx\n', inMemory.stderr);
  t.deepEqual(inMemory.left, []);
  t.false(existsSync(`${rootfs}/made`));
  const itself = runScript(scriptFor({ command: ['/bin/sh', '-c', 'echo x > /made'], writableRootfs: true }));
  t.is(itself.status, 0, itself.stderr);
  t.true(existsSync(`${rootfs}/made`));
  t.deepEqual(itself.left, []);
});

asRoot('a rootfs that is put together for the run', (t) => {
  const directory = (path: string, mode = 0o755): SkeletonEntry => ({ path, kind: 'directory', mode });
  const entries: SkeletonEntry[] = [
    ...['/usr', '/etc', '/proc', '/sys', '/dev'].map((path) => directory(path)),
    directory('/sticky', 0o1777),
    ...['bin', 'sbin', 'lib', 'lib64'].map((link): SkeletonEntry => ({ path: `/${link}`, kind: 'link', content: `usr/${link}` })),
    { path: '/etc/passwd', kind: 'file', mode: 0o600, content: "root:x:0:0:it's me:/home of root:/bin/sh\n" },
  ];
  const command = ['/bin/sh', '-c', 'stat -c "%a %n" /sticky /etc/passwd; cat /etc/passwd; echo $HOME; ls -d /root'];
  const { stdout, stderr, left } = runScript(scriptFor({ command }, { skeleton: { directory: rootfs, entries } }));
  t.is(stdout, "1777 /sticky\n600 /etc/passwd\nroot:x:0:0:it's me:/home of root:/bin/sh\n/home of root\n", stderr);
  t.deepEqual(left, []);
});
