import type { ExecutionContext } from 'ava';
import { findRunning } from '../../src/find.js';
import type { MountEntry } from '../../src/host/mounts.js';
import { stateRoots } from '../../src/state/roots.js';
import { CHECKS, judge } from '../../src/verify/checks.js';
import type { Evidence, ProcessEvidence } from '../../src/verify/evidence.js';
import { gather } from '../../src/verify/gather.js';
import { e2e } from '../e2e/support.js';
import { startBox } from './start.js';

/** Of a real container. */
async function evidenceOf(t: ExecutionContext, flags: readonly string[] = ['--memory', '50', '--cpus', '0.5']): Promise<Evidence> {
  const { name } = await startBox(t, flags);
  const roots = stateRoots();
  return gather(findRunning(name, roots), roots);
}

/** The same, but for one thing of PID 1. */
const withInit = (evidence: Evidence, change: Partial<ProcessEvidence>): Evidence => {
  const init = { ...evidence.init, ...change };
  return { ...evidence, init, processes: [init, ...evidence.processes.slice(1)] };
};
const withStatus = (evidence: Evidence, line: string, value: string): Evidence =>
  withInit(evidence, { status: new Map([...evidence.init.status, [line, value]]) });
const withMount = (evidence: Evidence, target: string, change: Partial<MountEntry>): Evidence => ({
  ...evidence,
  mounts: evidence.mounts.map((mount) => (mount.mountpoint === target ? { ...mount, ...change } : mount)),
});
const withConfig = (evidence: Evidence, change: Partial<Evidence['config']['linux']>): Evidence => ({
  ...evidence,
  config: { ...evidence.config, linux: { ...evidence.config.linux, ...change } },
});
const withLimits = (evidence: Evidence, value: string): Evidence => ({
  ...evidence,
  files: new Map([...evidence.files.keys()].map((file) => [file, value])),
});
const hostRoot = ({ facts }: Evidence): MountEntry => facts.mounts.find(({ mountpoint }) => mountpoint === '/') as MountEntry;

/** For each check what it must not let pass; a check without an entry fails the test. */
const WRONG: Readonly<Record<string, readonly ((evidence: Evidence) => Evidence)[]>> = {
  namespaces: [
    (e) => withInit(e, { namespaces: { ...e.init.namespaces, ipc: e.hostNamespaces.ipc as number } }),
    (e) => withInit(e, { namespaces: {} }),
  ],
  'pid-1': [(e) => withStatus(e, 'NSpid', '77'), (e) => withStatus(e, 'NSpid', '77 2'), (e) => withStatus(e, 'NSpid', '')],
  procfs: [
    (e) => withMount(e, '/proc', { device: e.facts.mounts.find(({ fstype }) => fstype === 'proc')?.device as string }),
    (e) => withMount(e, '/proc', { fstype: 'tmpfs' }),
    (e) => withMount(e, '/proc', { mountpoint: '/elsewhere' }),
  ],
  hostname: [(e) => withInit(e, { namespaces: { ...e.init.namespaces, uts: e.hostNamespaces.uts as number } })],
  'all-inside': [(e) => ({ ...e, processes: [...e.processes, { ...e.init, isInit: false, namespaces: e.hostNamespaces }] })],
  root: [
    (e) => ({ ...e, mounts: [hostRoot(e), ...e.mounts.slice(1)] }),
    (e) => withMount(e, '/', { options: ['rw', 'relatime'] }),
    (e) => ({ ...e, mounts: [] }),
    (e) => withMount(e, '/', { device: hostRoot(e).device, root: '/srv' }),
  ],
  mounts: [
    (e) => ({ ...e, mounts: [...e.mounts, { ...hostRoot(e), mountpoint: '/host' }] }),
    (e) => withMount(e, '/dev/shm', { options: ['rw', 'nosuid', 'noexec'] }),
    (e) => withMount(e, '/sys', { options: ['rw', 'nosuid', 'nodev', 'noexec'] }),
    (e) => ({ ...e, mounts: e.mounts.filter(({ mountpoint }) => mountpoint !== '/dev/shm') }),
    (e) => withMount(e, '/dev/shm', { root: '/sub' }),
    (e) => ({ ...e, mounts: e.mounts.map((mount) => (mount.fstype.startsWith('cgroup') ? { ...mount, root: '/' } : mount)) }),
  ],
  'host-files': [(e) => withMount(e, '/dev/shm', { device: hostRoot(e).device })],
  memory: [(e) => withLimits(e, '1'), (e) => ({ ...e, files: new Map() })],
  pids: [(e) => withLimits(e, 'max'), (e) => withConfig(e, { resources: { ...e.config.linux.resources, pids: { limit: 4000 } } })],
  cpu: [(e) => withLimits(e, '7')],
  membership: [
    (e) => withInit(e, { cgroup: e.init.cgroup.replaceAll(e.name, `${e.name}2`) }),
    (e) => withInit(e, { cgroup: '' }),
    (e) => ({ ...e, strangers: [4711] }),
    (e) => ({ ...e, directories: e.directories.slice(1) }),
  ],
  'user-mapping': [
    (e) => ({ ...e, uidMap: [{ inside: 0, outside: 0, count: 2 ** 32 - 1 }] }),
    (e) => ({ ...e, gidMap: [] }),
    (e) => ({ ...e, takenIds: [{ owner: 'other', first: e.record.ids as number, count: 1 }] }),
    (e) => withConfig(e, { namespaces: e.config.linux.namespaces.filter(({ type }) => type !== 'user') }),
  ],
  capabilities: [
    ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((line) => (e: Evidence) => withStatus(e, line, '000001ffffffffff')),
    (e) => withStatus(e, 'CapEff', '0000000000200000'),
    (e) => withStatus(e, 'CapAmb', 'not known'),
    (e) => ({ ...e, processes: [...e.processes, { ...withStatus(e, 'CapPrm', '8000000000000000').init, isInit: false }] }),
  ],
  'no-new-privs': [(e) => withStatus(e, 'NoNewPrivs', '0'), (e) => withInit(e, { status: new Map() })],
  seccomp: [
    (e) => withStatus(e, 'Seccomp', '0'),
    (e) => withStatus(e, 'Seccomp_filters', '1'),
    (e) => ({ ...e, plannedFilters: 0 }),
    (e) => ({ ...withStatus(e, 'Seccomp', '0'), plannedFilters: undefined }),
  ],
  rlimits: [
    (e) => ({ ...e, limits: e.limits.replace(/^(Max core file size) .*$/m, '$1  unlimited  unlimited  bytes') }),
    (e) => ({ ...e, limits: '' }),
  ],
  'oom-score': [(e) => withInit(e, { oomScoreAdj: -500 }), (e) => withInit(e, { oomScoreAdj: Number.NaN })],
  'security-module': [
    (e) => ({ ...e, label: 'unconfined', config: { ...e.config, process: { ...e.config.process, apparmorProfile: 'strict' } } }),
  ],
  masked: [
    (e) => ({ ...e, mounts: e.mounts.filter(({ mountpoint }) => mountpoint !== '/proc/keys') }),
    (e) => withMount(e, '/proc/keys', { root: '/secret' }),
    (e) => withMount(e, '/proc/keys', { options: ['rw'] }),
    (e) => withConfig(e, { maskedPaths: [] }),
  ],
  'read-only': [
    (e) => withMount(e, '/proc/sys', { options: ['rw'] }),
    (e) => ({ ...e, mounts: e.mounts.filter(({ mountpoint }) => mountpoint !== '/proc/sys') }),
    (e) => withConfig(e, { readonlyPaths: [] }),
  ],
  descriptors: [
    (e) => withInit(e, { descriptors: [{ fd: 9, target: '/etc/passwd', mount: hostRoot(e).id }] }),
    (e) => withInit(e, { descriptors: [{ fd: 9, target: '/', mount: 999_999 }] }),
    // A name that the process chose proves nothing.
    (e) => withInit(e, { descriptors: [{ fd: 9, target: 'pipe:[1]', mount: hostRoot(e).id }] }),
  ],
  dev: [
    (e) => withMount(e, '/dev', { fstype: 'devtmpfs' }),
    (e) =>
      withMount(e, '/dev', { device: e.facts.mounts.find(({ fstype }) => fstype === 'devtmpfs' || fstype === 'tmpfs')?.device as string }),
    (e) => ({ ...e, mounts: [...e.mounts, { ...hostRoot(e), mountpoint: '/dev/sda' }] }),
  ],
  'device-filter': [(e) => withConfig(e, { resources: { ...e.config.linux.resources, devices: [{ allow: true, access: 'rwm' }] } })],
};

e2e('each check passes as it was started, and fails for each thing that it must not let pass', async (t) => {
  const evidence = await evidenceOf(t);
  t.deepEqual(
    judge(evidence).filter(({ verdict }) => verdict === 'fail'),
    [],
  );
  t.deepEqual(Object.keys(WRONG).sort(), CHECKS.map(([, check]) => check).sort());
  for (const [check, wrongs] of Object.entries(WRONG))
    for (const [at, wrong] of wrongs.entries()) {
      const found = judge(wrong(evidence)).filter((finding) => finding.check === check && finding.verdict === 'fail');
      t.true(found.length > 0, `${check}, ${at}`);
      t.true(found.every(({ expected }) => expected !== null && expected !== ''));
    }
});

e2e('a word of the record excuses what it is about, and nothing else', async (t) => {
  const evidence = await evidenceOf(t);
  const open = withConfig(evidence, { maskedPaths: [], readonlyPaths: [] });
  const said = (words: readonly string[]): string[] => {
    const findings = judge({ ...open, record: { ...open.record, loosened: words } });
    return [...new Set(findings.filter(({ check, verdict }) => check === 'masked' && verdict !== 'pass').map(({ verdict }) => verdict))];
  };
  t.deepEqual(said(['unmask=ALL']), ['loosened']);
  t.deepEqual(said(['cap-add=CAP_SYS_ADMIN', 'network=host']), ['fail']);
});
