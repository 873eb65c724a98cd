import { readFileSync } from 'node:fs';
import test from 'ava';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import { defaultProfile } from '../../src/seccomp/default-profile.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { readSeccompProfile } from '../../src/spec/seccomp-profile.js';
import { type Abi, ALLOW, DOCKER_14, NATIVE, PODMAN_11, run } from './decide.js';

/** docker's published profile: of CRT_DOCKER_SECCOMP, else of Debian's golang-github-docker-docker-dev. */
const PATH = process.env['CRT_DOCKER_SECCOMP'] || '/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json';
const published = ((): string | undefined => {
  try {
    return readFileSync(PATH, 'utf8');
  } catch {
    return undefined;
  }
})();
const compared = published === undefined ? test.skip : test;
const title = (text: string): string => (published === undefined ? `${text} (golang-github-docker-docker-dev is not installed)` : text);

const HIGH = 1n << 32n;
const bits = (from: number, to: number): bigint[] => Array.from({ length: to - from }, (_, at) => 1n << BigInt(from + at));

/** Calls whose arguments decide, with what tells the cases apart. */
const ARGUMENTS: Readonly<Record<string, readonly (readonly bigint[])[]>> = {
  clone: [...bits(0, 64), 0n, 17n, 0x7e020000n, HIGH | 0x10000000n].map((flags) => [flags]),
  personality: [...bits(0, 64), 0n, 8n, 0x20008n, 0xffffffffn, HIGH, HIGH | 8n, 0xffffffffffffffffn, 0x40008n].map((value) => [value]),
  socket: Array.from({ length: 64 }, (_, family) => [BigInt(family)]),
  socketpair: Array.from({ length: 64 }, (_, family) => [BigInt(family)]),
  ioctl: [0x5401n, 0x5412n, 0x541cn, HIGH | 0x5412n].map((command) => [3n, command]),
  unshare: [0n, 0x400n, ...bits(0, 32)].map((flags) => [flags]),
};

/** What a filter lets pass, as `name` or `name(args)`. */
function passed(filter: Uint8Array, abi: Abi): Set<string> {
  const found = new Set<string>();
  for (const name of syscallNumbers(abi).keys()) {
    for (const args of ARGUMENTS[name] ?? [[]]) {
      if (run(filter, abi, name, ...args).verdict === ALLOW) found.add(args.length === 0 ? name : `${name}(${args.join()})`);
    }
  }
  return found;
}

function both(arch: string, capabilities: readonly string[]): { ours: Set<string>; docker: Set<string> } {
  const profile = readSeccompProfile(published ?? '', PATH, { arch, capabilities, kernel: { major: 6, minor: 1 } });
  const abi = NATIVE[arch] as Abi;
  return {
    ours: passed(compileSeccomp(defaultProfile({ capabilities }), { arch }), abi),
    docker: passed(compileSeccomp(profile, { arch }), abi),
  };
}

/** Newer than the profile of docker 20.10, which Debian 12 has; newer profiles allow them, and so do we. */
const NEWER =
  'cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue mseal setxattrat getxattrat listxattrat removexattrat ' +
  'file_getattr file_setattr';

/** By a capability of its own, which profiles of docker 20.10 do not know yet. */
const NEWER_CAPABILITIES: Readonly<Record<string, readonly string[]>> = { CAP_BPF: ['bpf'], CAP_PERFMON: ['perf_event_open'] };

/** Everything that docker lets pass and crt does not, and why nobody misses it. */
const STRICTER: Readonly<Record<string, string>> = {
  io_uring_setup: 'most of the local privilege escalations of its years; newer profiles of docker refuse it too',
  io_uring_enter: 'as io_uring_setup',
  io_uring_register: 'as io_uring_setup',
  fanotify_mark: 'of no use without fanotify_init, which needs CAP_SYS_ADMIN',
  modify_ldt: '16- and 32-bit segments, of emulators alone, and 32-bit programs are out anyway',
  get_thread_area: 'of 32-bit programs alone',
  set_thread_area: 'of 32-bit programs alone',
  epoll_ctl_old: 'no kernel has it',
  epoll_wait_old: 'no kernel has it',
  'ioctl(3,21522)': 'TIOCSTI types into a terminal',
  'ioctl(3,21532)': 'TIOCLINUX pastes into the console',
  'ioctl(3,4294988818)': 'TIOCSTI again, for the kernel reads 32 bits',
  pkey_alloc: 'few programs have protection keys, and those do without',
  pkey_free: 'as pkey_alloc',
  pkey_mprotect: 'as pkey_alloc',
};
const isClosedFamily = (call: string): boolean => Number(/^socket(?:pair)?\((\d+)\)$/.exec(call)?.[1] ?? 0) >= 38;

const SETS: Readonly<Record<string, readonly string[]>> = { "podman's 11": PODMAN_11, "docker's 14": DOCKER_14, none: [] };
const SINGLE =
  'SYS_ADMIN SYS_PTRACE SYS_CHROOT SYS_TIME SYS_NICE SYSLOG SYS_MODULE SYS_BOOT SYS_PACCT SYS_RAWIO SYS_TTY_CONFIG NET_ADMIN NET_RAW ' +
  'DAC_READ_SEARCH BPF PERFMON SYS_RESOURCE MKNOD IPC_LOCK CHECKPOINT_RESTORE';

for (const arch of ['x64', 'arm64']) {
  compared(title(`whatever docker refuses crt refuses, on ${arch}`), (t) => {
    const sets = { ...SETS, ...Object.fromEntries(SINGLE.split(' ').map((name) => [name, [...PODMAN_11, `CAP_${name}`]])) };
    for (const [label, capabilities] of Object.entries(sets)) {
      const { ours, docker } = both(arch, capabilities);
      const newer = new Set([...NEWER.split(' '), ...capabilities.flatMap((name) => NEWER_CAPABILITIES[name] ?? [])]);
      t.true(docker.size > 250 && ours.size > 250, `${label}: ${docker.size} and ${ours.size} pass`);
      t.deepEqual(
        [...ours].filter((call) => !docker.has(call) && !newer.has(call)),
        [],
        label,
      );
    }
  });

  compared(title(`what docker allows and crt refuses is this list, on ${arch}`), (t) => {
    for (const [label, capabilities] of Object.entries(SETS)) {
      const { ours, docker } = both(arch, capabilities);
      const refused = [...docker].filter((call) => !ours.has(call) && !isClosedFamily(call));
      t.deepEqual(
        refused.filter((call) => STRICTER[call] === undefined),
        [],
        label,
      );
    }
  });
}
