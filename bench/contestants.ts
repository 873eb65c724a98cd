import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import which from 'which';
import { defaultProfile } from '../src/seccomp/default-profile.js';
import { cgroupName } from './cleanup.js';

/** Bytes: the limit that every contestant with a limit gets. */
export const MEMORY_LIMIT = 50 * 1024 * 1024;

/** What the contestants share. Every path is removed with `scratch`. */
export interface Arena {
  /** An empty folder of this benchmark's own. */
  readonly scratch: string;
  /** The root file system, or `host` (then only crt can start). */
  readonly rootfs: string;
  readonly library: Pick<typeof import('../src/index.js'), 'run'>;
  /** Absolute path of bin/run.js. */
  readonly cli: string;
}

/** One way to start `/bin/true` and wait for its end. */
export interface Contestant {
  readonly key: string;
  /** What is timed, for the table. */
  readonly title: string;
  /** What differs from the others. */
  readonly note?: string;
  /** Resolves when everything is over; rejects when the command did not succeed. `round` is never repeated. */
  start(round: number): Promise<void>;
}

/** A contestant that cannot take part. */
export interface Skipped {
  readonly key: string;
  readonly title: string;
  readonly reason: string;
}

const COMMAND = '/bin/true';

/** Starts a program from this process with no streams; rejects with the end of its stderr when it fails. */
function runProgram(file: string, args: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${file} ended with ${signal ?? code}: ${text.trim()}`));
    });
  });
}

function name(round: number): string {
  return `crt-bench-${process.pid}-${round}`;
}

/** @param plain without what `crun spec` has not either: the pair of plain crun. */
function crtLibrary(arena: Arena, plain = false): Contestant {
  return {
    key: plain ? 'crt-library-plain' : 'crt-library',
    title: `crt, library in a warm process${plain ? ', plain' : ''}`,
    ...(plain ? { note: 'without user namespace and filter' } : {}),
    async start(round) {
      const result = await arena.library.run({
        name: name(round),
        rootfs: arena.rootfs,
        command: [COMMAND],
        memory: MEMORY_LIMIT,
        ...(plain ? { userns: 'host', securityOpt: { seccomp: 'unconfined' } } : {}),
        stdout: 'ignore',
        stderr: 'ignore',
      });
      if (result.exitCode !== 0) throw new Error(`crt's library: exit code ${result.exitCode}, ${result.reason}`);
    },
  };
}

function crtCli(arena: Arena): Contestant {
  return {
    key: 'crt-cli',
    title: 'crt, command line',
    start: (round) => {
      const flags = ['--rootfs', arena.rootfs, '--memory', String(MEMORY_LIMIT)];
      return runProgram(process.execPath, [arena.cli, 'run', name(round), ...flags, '--', COMMAND]);
    },
  };
}

function emptyNode(arena: Arena): Contestant {
  const file = join(arena.scratch, 'empty.mjs');
  writeFileSync(file, '');
  return { key: 'node', title: 'an empty node program', note: 'no container', start: () => runProgram(process.execPath, [file]) };
}

/** A bundle as the runtime itself writes it, with the command, the rootfs and the limit filled in. */
function makeBundle(arena: Arena, { runtime, file, confined }: { runtime: string; file: string; confined: boolean }): string {
  const bundle = join(arena.scratch, `${runtime}-bundle${confined ? '-confined' : ''}`);
  mkdirSync(bundle);
  const made = spawnSync(file, ['spec'], { cwd: bundle, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`${runtime} spec: ${made.stderr}`);
  const path = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as {
    process: { terminal: boolean; args: string[] };
    root: { path: string; readonly: boolean };
    linux: { resources?: Record<string, unknown>; namespaces: { type: string }[] };
  };
  config.process.terminal = false;
  config.process.args = [COMMAND];
  config.root = { path: arena.rootfs, readonly: true };
  config.linux.resources = { ...config.linux.resources, memory: { limit: MEMORY_LIMIT } };
  if (confined) Object.assign(config.linux, confinement(config.linux.namespaces));
  writeFileSync(path, JSON.stringify(config));
  return bundle;
}

/** What crt adds to a container by default and `spec` does not: a user namespace and a filter of system calls. */
function confinement(namespaces: readonly { type: string }[]): object {
  const mappings = [{ containerID: 0, hostID: 0x70000000, size: 65536 }];
  return {
    namespaces: [...namespaces, { type: 'user' }],
    uidMappings: mappings,
    gidMappings: mappings,
    seccomp: { ...defaultProfile({ capabilities: [] }), architectures: ['SCMP_ARCH_X86_64'] },
  };
}

function ociRuntime(arena: Arena, runtime: 'crun' | 'runc', file: string, confined = false): Contestant {
  const bundle = makeBundle(arena, { runtime, file, confined });
  const root = join(arena.scratch, `${runtime}-state${confined ? '-confined' : ''}`);
  const manager = runtime === 'crun' ? ['--cgroup-manager=cgroupfs'] : [];
  return {
    key: confined ? `${runtime}-confined` : runtime,
    title: `${runtime} run${confined ? ', confined' : ''}`,
    note: confined ? 'with a user namespace and the filter of crt' : 'the rootfs read-only, no overlay',
    start: (round) => runProgram(file, [`--root=${root}`, ...manager, 'run', '--bundle', bundle, name(round)]),
  };
}

function bubblewrap(arena: Arena, file: string): Contestant {
  const args = ['--unshare-all', '--ro-bind', arena.rootfs, '/', '--proc', '/proc', '--dev', '/dev', COMMAND];
  return { key: 'bwrap', title: 'bubblewrap', note: 'no memory limit, no overlay', start: () => runProgram(file, args) };
}

function unshare(arena: Arena, file: string): Contestant {
  const args = ['--net', '--mount', '--pid', '--uts', '--ipc', '--fork', `--root=${arena.rootfs}`, COMMAND];
  return { key: 'unshare', title: 'unshare', note: 'no memory limit, no /proc, /dev', start: () => runProgram(file, args) };
}

function podman(arena: Arena, file: string): Contestant {
  const storage = [
    `--root=${join(arena.scratch, 'podman')}`,
    `--runroot=${join(arena.scratch, 'podman-run')}`,
    `--tmpdir=${join(arena.scratch, 'podman-tmp')}`,
    // Its crun keeps its state apart too.
    `--runtime-flag=root=${join(arena.scratch, 'podman-crun')}`,
  ];
  // The ulimits are below what a root without CAP_SYS_RESOURCE may set; podman's own defaults may be above.
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000', `--memory=${MEMORY_LIMIT}`];
  const args = [...storage, '--cgroup-manager=cgroupfs', 'run', '--rm', `--cgroup-parent=/${cgroupName()}`, ...limits, '--network=none'];
  return { key: 'podman', title: 'podman run', start: () => runProgram(file, [...args, '--rootfs', `${arena.rootfs}:O`, COMMAND]) };
}

type Peer = readonly [key: string, program: string, make: (arena: Arena, file: string) => Contestant];

const PEERS: readonly Peer[] = [
  ['crun', 'crun', (arena, file) => ociRuntime(arena, 'crun', file)],
  ['crun-confined', 'crun', (arena, file) => ociRuntime(arena, 'crun', file, true)],
  ['runc', 'runc', (arena, file) => ociRuntime(arena, 'runc', file)],
  ['runc-confined', 'runc', (arena, file) => ociRuntime(arena, 'runc', file, true)],
  ['bwrap', 'bwrap', bubblewrap],
  ['unshare', 'unshare', unshare],
  ['podman', 'podman', podman],
];

/** Everyone who could take part on this machine, in the order of the rounds, and who could not. */
export function enter(arena: Arena): { contestants: Contestant[]; skipped: Skipped[] } {
  const contestants = [crtLibrary(arena), crtLibrary(arena, true), crtCli(arena), emptyNode(arena)];
  const skipped: Skipped[] = [];
  for (const [key, program, make] of PEERS) {
    const file = which.sync(program, { nothrow: true });
    if (file === null) skipped.push({ key, title: program, reason: 'not installed' });
    else if (arena.rootfs === 'host') skipped.push({ key, title: program, reason: 'needs --rootfs DIR' });
    else contestants.push(make(arena, file));
  }
  return { contestants, skipped };
}
