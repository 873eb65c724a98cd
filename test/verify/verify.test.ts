import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../../src/errors.js';
import { verify } from '../../src/index.js';
import * as defaults from '../../src/spec/defaults.js';
import type { Config } from '../../src/spec/types.js';
import { cgroupsOf, crt, e2e, folder, host, onV1 } from '../e2e/support.js';
import { exited, until } from '../in-time.js';
import { claiming, type Edit, startBox } from './start.js';

/** sudo(8) may have lowered the hard limit, which in a user namespace nobody can raise. */
const mayDump = /^Max core file size +\S+ +unlimited/m.test(readFileSync('/proc/self/limits', 'utf8'));

/** What of a report does not hold, by the names of the checks. */
function failed({ findings }: ReturnType<typeof verify>): string[] {
  return [...new Set(findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check))];
}

e2e('a container with no flags holds, and every check has looked', async (t) => {
  const { name } = await startBox(t, ['--memory', '50']);
  const { code, stdout } = await crt(t, ['verify', name], { env: { LC_ALL: 'C.UTF-8' } });
  t.is(code, 0, stdout);
  t.notRegex(stdout, /✖/);
  t.true(stdout.indexOf('A. Processes') < stdout.indexOf('B. Root') && stdout.indexOf('B. Root') < stdout.indexOf('C. Limits'));
  t.regex(stdout, /✔ memory: the limit is 50 MiB/);
  t.true(stdout.includes(`${name} is isolated as configured\n`));
  const { stdout: json } = await crt(t, ['verify', name, '--json']);
  const report = JSON.parse(json) as ReturnType<typeof verify>;
  t.deepEqual(Object.keys(report).sort(), ['at', 'findings', 'holds', 'name', 'pid', 'processes']);
  for (const finding of report.findings)
    t.deepEqual(Object.keys(finding).sort(), ['check', 'expected', 'group', 'observed', 'verdict', 'words']);
  t.true(report.holds && report.findings.length >= 25);
});

for (const flags of [
  ['--rootfs', 'host', '--read-only', '--init'],
  ['--network', 'host'],
  ['--userns', 'host', '--user', 'nobody'],
  ['--privileged'],
  [
    '--cap-add',
    'SYS_ADMIN',
    '--security-opt',
    'seccomp=unconfined',
    '--security-opt',
    'unmask=ALL',
    '--pids-limit',
    '-1',
    ...(mayDump ? ['--ulimit', 'core=-1'] : []),
  ],
  ['--tmpfs', '/var/run', '--tmpfs', '/scratch', '--security-opt', 'mask=/etc/shadow', '--security-opt', 'no-new-privileges=false'],
])
  e2e(`${flags.join(' ')}: what was asked for is loosened, not wrong and not fine`, async (t) => {
    const { name } = await startBox(t, flags);
    const report = verify(name);
    t.deepEqual(failed(report), []);
    const words = new Set(report.findings.flatMap((finding) => finding.words));
    const asked = report.findings.filter(({ verdict }) => verdict === 'loosened');
    t.is(asked.length > 0, words.size > 0);
    t.is(
      words.size > 0,
      flags.some((flag) => /^(host|--privileged|SYS_ADMIN|no-new-privileges=false)$/.test(flag) && !flags.includes('--init')),
    );
    t.true(asked.every((finding) => finding.words.length > 0));
  });

e2e('a folder of the host is named, and one that shows another place is not what was asked for', async (t) => {
  const source = await folder(t);
  const link = `${await folder(t)}/link`;
  symlinkSync(source, link);
  const { name } = await startBox(t, ['-v', `${source}:/data`, '-v', `${link}:/linked:ro`]);
  const shown = verify(name).findings.find(({ check }) => check === 'host-files');
  t.is(shown?.verdict, 'pass');
  t.true(shown?.observed.includes(source));
  const other: Edit = (_, { mounts }) =>
    Object.assign(mounts.find(({ destination }) => destination === '/data') ?? {}, { source: `${source}/other` });
  t.deepEqual(failed(await claiming(name, other, () => verify(name))), ['host-files']);
  const locked: Edit = (_, { mounts }) => mounts.find(({ destination }) => destination === '/data')?.options?.push('ro');
  t.deepEqual(failed(await claiming(name, locked, () => verify(name))), ['mounts']);
  const unknown: Edit = (_, config) =>
    Object.assign(config, { mounts: config.mounts.filter(({ destination }) => destination !== '/data') });
  t.deepEqual(failed(await claiming(name, unknown, () => verify(name))), ['mounts', 'host-files']);
});

const strict: Edit = (record) => Object.assign(record, { loosened: [] });
const withDefaults =
  (change: (config: Config) => void): Edit =>
  (record, config) => {
    strict(record, config);
    change(config);
  };
const asDefault = withDefaults(({ process }) => Object.assign(process, { capabilities: defaults.defaultCapabilities() }));

/** A start without the protection, whose records say that it has it. */
const TAKEN_AWAY: readonly (readonly [check: string, flags: readonly string[], edit: Edit])[] = [
  ['namespaces', ['--network', 'host', '--userns', 'host'], strict],
  ['namespaces', ['--network', 'host', '--userns', 'host'], withDefaults(({ linux }) => linux.namespaces.push({ type: 'network' }))],
  ['user-mapping', ['--userns', 'host'], strict],
  ['user-mapping', [], (record) => Object.assign(record, { ids: 0x70000000 })],
  ['user-mapping', [], (_, { linux }) => Object.assign(linux.uidMappings?.[0] ?? {}, { size: 1 })],
  ['capabilities', ['--cap-add', 'SYS_ADMIN'], strict],
  ['capabilities', ['--cap-add', 'SYS_ADMIN'], asDefault],
  ['capabilities', [], (_, { process }) => process.capabilities?.bounding?.pop()],
  ['no-new-privs', ['--security-opt', 'no-new-privileges=false'], strict],
  [
    'no-new-privs',
    ['--security-opt', 'no-new-privileges=false'],
    withDefaults(({ process }) => Object.assign(process, { noNewPrivileges: true })),
  ],
  ['seccomp', ['--security-opt', 'seccomp=unconfined'], strict],
  ['masked', ['--security-opt', 'unmask=ALL'], strict],
  ['masked', ['--security-opt', 'unmask=/proc/keys'], withDefaults(({ linux }) => linux.maskedPaths?.push('/proc/keys'))],
  [
    'read-only',
    ['--security-opt', 'unmask=/proc/sys'],
    withDefaults(({ linux }) => Object.assign(linux, { readonlyPaths: defaults.READONLY_PATHS })),
  ],
  ['pids', ['--pids-limit', '-1'], strict],
  ['pids', ['--pids-limit', '-1'], withDefaults(({ linux }) => Object.assign(linux.resources ?? {}, { pids: { limit: 2048 } }))],
  ['memory', ['--memory', '60'], (_, { linux }) => Object.assign(linux.resources ?? {}, { memory: { limit: 52428800, swap: 52428800 } })],
  ['cpu', ['--cpus', '0.5'], (_, { linux }) => Object.assign(linux.resources?.cpu ?? {}, { quota: 25_000 })],
  ['rlimits', ['--ulimit', 'core=-1'], strict],
  [
    'rlimits',
    ['--ulimit', 'nofile=100'],
    (_, { process }) => process.rlimits?.map((limit) => Object.assign(limit, { soft: 50, hard: 50 })),
  ],
  ['oom-score', [], (_, { process }) => Object.assign(process, { oomScoreAdj: 500 })],
  ['root', [], (_, { root }) => Object.assign(root, { readonly: true })],
  ['mounts', [], (_, { mounts }) => mounts.find(({ destination }) => destination === '/dev/pts')?.options?.push('ro')],
  ['mounts', [], (_, { mounts }) => mounts.push({ destination: '/nowhere', type: 'tmpfs', source: 'tmpfs', options: [] })],
  [
    'mounts',
    ['--tmpfs', '/scratch'],
    (_, config) => Object.assign(config, { mounts: config.mounts.filter(({ destination }) => destination !== '/scratch') }),
  ],
  ['mounts', ['--privileged'], strict],
  ['security-module', [], (_, { process }) => Object.assign(process, { apparmorProfile: 'crt-test' })],
];
const title = (at: number, check: string, flags: readonly string[]): string =>
  `${check} fails where it was taken away (${at}: ${flags.join(' ') || 'other records'})${flags.includes('core=-1') && !mayDump ? ' (the hard limit on core files is lowered here)' : ''}`;
for (const [at, [check, flags, edit]] of TAKEN_AWAY.entries())
  (flags.includes('core=-1') && !mayDump ? test.skip : e2e)(title(at, check, flags), async (t: ExecutionContext) => {
    const { name } = await startBox(t, flags);
    const report = await claiming(name, edit, () => verify(name));
    t.true(failed(report).includes(check), JSON.stringify(report.findings.filter(({ verdict }) => verdict !== 'pass')));
    t.false(report.holds);
  });

onV1('a device that the filter lets pass, and nobody asked for', async (t) => {
  const { name } = await startBox(t, ['--device', '/dev/full']);
  t.deepEqual(failed(verify(name)), []);
  const directory = cgroupsOf(name).find((path) => path.includes('/devices/')) ?? '';
  writeFileSync(`${directory}/devices.allow`, 'c 1:1 r');
  t.deepEqual(failed(verify(name)), ['device-filter']);
});

onV1('a limit that was changed, and a process that left its cgroup', async (t) => {
  const { name } = await startBox(t, ['--memory', '50']);
  const directory = cgroupsOf(name).find((path) => path.includes('/memory/')) ?? '';
  const mountpoint = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('memory'))?.mountpoint;
  writeFileSync(`${directory}/memory.memsw.limit_in_bytes`, String(2 ** 30));
  writeFileSync(`${directory}/memory.limit_in_bytes`, String(2 ** 29));
  writeFileSync(`${mountpoint}/cgroup.procs`, String(verify(name).pid));
  const report = verify(name);
  t.deepEqual(failed(report), ['memory', 'membership']);
  t.regex(report.findings.find(({ check, verdict }) => check === 'memory' && verdict === 'fail')?.observed ?? '', /is 536870912$/);
  writeFileSync(`${directory}/cgroup.procs`, String(report.pid));
});

e2e('somebody from outside in its cgroups', async (t) => {
  const { name } = await startBox(t);
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const [directory] = cgroupsOf(name);
  writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
  const report = verify(name);
  t.deepEqual(failed(report), ['membership']);
  t.true(report.findings.some(({ observed }) => observed.includes(String(child.pid))));
  child.kill('SIGKILL');
  await exited(child);
});

e2e('a process that came in with a file of the host, outside of cgroup, filter and rights', async (t) => {
  const { name } = await startBox(t);
  const { pid } = verify(name);
  // Enters the pid namespace alone, as a careless `exec` would.
  const child = spawn('nsenter', ['-t', String(pid), '--pid', 'sh', '-c', 'echo in; read end'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'in');
  const report = verify(name);
  for (const check of ['all-inside', 'membership', 'no-new-privs', 'seccomp']) t.true(failed(report).includes(check), check);
  child.stdin.end('\n');
  await exited(child);
  t.deepEqual(failed(verify(name)), []);
});

e2e('a file of the host that a process inside holds', async (t) => {
  const { name } = await startBox(t);
  const { pid } = verify(name);
  const child = spawn('sh', ['-c', `exec 9</etc/passwd; exec nsenter -t ${pid} --pid --mount sh -c 'echo in; read end'`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'in');
  const report = verify(name);
  t.true(failed(report).includes('descriptors'));
  t.true(
    report.findings.some(({ observed }) => /^9 of \d+ \(sh\) is \/etc\/passwd, on a mount of the host$/.test(observed)),
    JSON.stringify(report.findings),
  );
  child.stdin.end('\n');
  await exited(child);
});

e2e('PID 1 that has changed its root cannot hide behind it', async (t) => {
  const copy = 'for f in /bin/cat /bin/sh $(ldd /bin/cat /bin/sh | grep -o "/lib[^ ]*" | sort -u); do mkdir -p /c${f%/*}; cp $f /c$f; done';
  const { name } = await startBox(t, [], `${copy}; exec chroot /c /bin/sh -c "echo ready; exec cat"`);
  const report = verify(name);
  t.true(failed(report).includes('mounts'));
  t.true(report.findings.some(({ observed }) => observed.includes('have changed their root to /c')));
});

e2e('what is not there, or does not run, or has no config, is an error and not a report', async (t) => {
  t.is((await crt(t, ['verify', 'nobody-has-this'])).code, 125);
  t.is((await crt(t, ['verify'])).code, 125);
  const { name } = await startBox(t);
  const report = t.throws(() => verify(`${name}-not`), { instanceOf: UserError });
  t.regex(report.message, /no container/);
  const broken: Edit = (_, config) => Object.assign(config, { mounts: 'none' });
  await claiming(name, broken, () => t.throws(() => verify(name), { instanceOf: UserError, message: /config.json is no OCI config/ }));
});

e2e('exit code 1, the word and not only a colour, narrow terminals', async (t) => {
  const { name } = await startBox(t, ['--userns', 'host']);
  const { code, stdout } = await claiming(name, strict, () => crt(t, ['verify', name], { env: { LC_ALL: 'C' } }));
  t.is(code, 1);
  t.regex(stdout, /x user-mapping: NOT SO: root inside is root of the host/);
  t.regex(stdout, new RegExp(`${name} is NOT isolated as configured: namespaces, user-mapping`));
  t.notRegex(stdout, /[^\x00-\x7f]/);
  const loosened = await crt(t, ['verify', name]);
  t.is(loosened.code, 0);
  t.regex(loosened.stdout, /! user-mapping: .* - loosened on request \(userns=host\)/s);
});

e2e('names that processes inside choose do not reach the terminal', async (t) => {
  const { name } = await startBox(t);
  const { pid } = verify(name);
  const script = `printf '\\033[31mX\\n' > /proc/self/comm; echo in; read end`;
  const child = spawn('nsenter', ['-t', String(pid), '--pid', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'in');
  for (const flags of [[], ['--json']]) {
    const { stdout } = await crt(t, ['verify', name, ...flags]);
    t.false(stdout.includes('\x1b'));
    t.true(stdout.includes(flags.length > 0 ? '\\u001b[31mX' : '\\x1b[31mX'), stdout);
  }
  child.stdin.end('\n');
  await exited(child);
});
