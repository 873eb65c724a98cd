import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import fc from 'fast-check';
import { openCgroup } from '../../src/cgroup/open.js';
import type { CgroupFacts } from '../../src/host/facts.js';
import { compileRun } from '../../src/plan/compile-run.js';
import type { Layout, RootSource } from '../../src/plan/layout.js';
import { type Plan, toContainerPath, toHostPath } from '../../src/plan/step.js';
import { CAPABILITIES } from '../../src/spec/capabilities.js';
import { DEFAULT_DEVICES, DEFAULT_MOUNTS, DEFAULT_NAMESPACES, deviceRules, READONLY_PATHS } from '../../src/spec/defaults.js';
import type { Config, Mount, NamespaceType, Resources } from '../../src/spec/types.js';

/** A made-up machine: version 1 needs a directory, whose files it shows inside. */
const memory = toHostPath(mkdtempSync(`${tmpdir()}/crt-plan-`));
for (const file of ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'tasks']) writeFileSync(`${memory}/${file}`, '');
test.after.always(() => rmSync(memory, { recursive: true }));

const unified = { mountpoint: toHostPath('/sys/fs/cgroup'), controllers: ['cpu', 'memory', 'pids'], own: '/' };
const hierarchies = [
  { controllers: ['memory'], mountpoint: memory },
  { controllers: ['pids'], mountpoint: toHostPath('/sys/fs/cgroup/pids') },
  { controllers: ['devices'], mountpoint: toHostPath('/sys/fs/cgroup/devices') },
  { controllers: ['cpu', 'cpuacct'], mountpoint: toHostPath('/sys/fs/cgroup/cpu,cpuacct') },
];
export const CGROUPS: Readonly<Record<'v1' | 'v2' | 'none', CgroupFacts>> = {
  v1: { mode: 'v1', hierarchies, unified: undefined },
  v2: { mode: 'v2', hierarchies: [], unified },
  none: { mode: 'none', hierarchies: [], unified: undefined },
};

export const ROOTS: Readonly<Record<RootSource['kind'], RootSource>> = {
  layer: {
    kind: 'layer',
    lower: toHostPath('/srv/rootfs'),
    upper: toHostPath('/layers/1/upper'),
    work: toHostPath('/layers/1/work'),
    discard: true,
  },
  memory: { kind: 'memory', lower: toHostPath('/srv/rootfs'), size: 1 << 20 },
  directory: { kind: 'directory', directory: toHostPath('/srv/rootfs') },
};

export interface Case {
  readonly config: Config;
  readonly layout: Layout;
}

export function layoutOf(more: {
  root?: RootSource;
  cgroup?: keyof typeof CGROUPS;
  hold?: boolean;
  reaper?: boolean;
  resources?: Config['linux']['resources'];
}): Layout {
  return {
    staging: toHostPath('/run/crt/box'),
    root: more.root ?? ROOTS.layer,
    probeRoot: toHostPath('/srv/rootfs'),
    cgroup: openCgroup(CGROUPS[more.cgroup ?? 'v2'], 'box', more.resources ?? { pids: { limit: 64 }, devices: deviceRules() }),
    control: { directory: toHostPath('/run/crt/box'), start: 1, timeout: 0 },
    ...(more.hold ? { log: { directory: toHostPath('/var/lib/crt/layers/7f3a'), size: 1000, files: 2 } } : {}),
    streams: more.hold ? 6 : 0,
    files: ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf'].map((path) => ({ target: toContainerPath(path), content: `# ${path}\n` })),
    onOrphan: { argv: ['/usr/bin/node', '/usr/lib/crt/bin/run.js', 'undo', 'box'], env: ['PATH=/usr/bin'] },
    filter: Uint8Array.from([6, 0, 0, 0, 0, 0, 255, 127]),
    listener: Uint8Array.from([6, 0, 0, 0, 0, 0, 192, 127]),
    holdBeforeExec: more.hold ?? false,
    reaper: more.reaper ?? false,
  };
}

const word = fc.stringMatching(/^[a-z0-9_.]{1,8}$/);
const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `/${words.join('/')}`);
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => !value.includes('\0'));
const capabilities = fc.subarray([...CAPABILITIES]);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const ownMount: fc.Arbitrary<Mount> = fc.oneof(
  fc.record({
    destination: path,
    type: fc.constant('bind'),
    source: path,
    options: fc.subarray(['rbind', 'ro', 'nosuid', 'nodev', 'noexec', 'ridmap']),
  }),
  fc.record({ destination: path, source: path, options: fc.constantFrom('bind', 'rbind').map((bind) => [bind, 'ro']) }),
  fc.record({
    destination: path,
    type: fc.constant('tmpfs'),
    source: fc.constant('tmpfs'),
    options: fc.subarray(['nosuid', 'size=4096', 'mode=700', 'ro']),
  }),
);

/** Any order of mounts that keeps /dev and /sys before what is mounted below them. */
const mounts = fc
  .tuple(fc.subarray([...DEFAULT_MOUNTS]), fc.array(ownMount, { maxLength: 6 }))
  .map(([defaults, own]) => [
    ...defaults,
    ...own.filter(({ destination }) => !DEFAULT_MOUNTS.some((mount) => `${destination}/`.startsWith(`${mount.destination}/`))),
  ]);

const processes: fc.Arbitrary<Config['process']> = fc.record(
  {
    terminal: fc.boolean(),
    consoleSize: fc.record({ height: fc.integer({ min: 1, max: 65535 }), width: fc.integer({ min: 1, max: 65535 }) }),
    cwd: path,
    env: fc.array(
      fc.tuple(word, text).map(([name, value]) => `${name}=${value}`),
      { maxLength: 4 },
    ),
    args: fc.array(text, { maxLength: 4 }),
    user: fc.record(
      {
        uid: fc.nat(),
        gid: fc.nat(),
        umask: fc.integer({ min: 0, max: 0o777 }),
        additionalGids: fc.array(fc.nat(), { maxLength: 3 }),
        username: word,
      },
      { requiredKeys: ['uid', 'gid'] },
    ),
    rlimits: fc
      .subarray(['RLIMIT_CORE', 'RLIMIT_NOFILE', 'RLIMIT_NPROC'])
      .map((types) => types.map((type) => ({ type, soft: 1, hard: 2n ** 64n - 1n }))),
    capabilities: fc.record({
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: capabilities,
      ambient: capabilities,
    }),
    noNewPrivileges: fc.boolean(),
    oomScoreAdj: fc.integer({ min: 0, max: 1000 }),
    apparmorProfile: word,
    selinuxLabel: fc.constant('system_u:system_r:container_t:s0:c1,c2'),
  },
  { requiredKeys: ['terminal', 'cwd', 'env', 'args', 'user'] },
);

const TYPES: readonly NamespaceType[] = DEFAULT_NAMESPACES.map(({ type }) => type);

/** Root and the rest of a distribution in two ranges, as an engine may ask for it. */
const MAPPINGS = [
  { containerID: 0, hostID: 0x70000000, size: 1000 },
  { containerID: 1000, hostID: 0x70010000, size: 64536 },
];

const configs: fc.Arbitrary<Config> = fc
  .record({
    root: fc.record({ path: fc.constant('/srv/rootfs'), readonly: fc.boolean() }),
    hostname: maybe(word),
    domainname: maybe(word),
    mounts,
    process: processes,
    namespaces: fc.subarray([...TYPES]),
    user: fc.boolean(),
    devices: fc.subarray([...DEFAULT_DEVICES]),
    maskedPaths: maybe(fc.array(path, { maxLength: 4 })),
    readonlyPaths: maybe(fc.subarray([...READONLY_PATHS])),
    sysctl: maybe(fc.dictionary(fc.constantFrom('net.ipv4.ip_forward', 'kernel.shm_rmid_forced'), word)),
  })
  .map(({ root, hostname, domainname, mounts: all, process, namespaces, user, ...linux }) => ({
    ociVersion: '1.2.0',
    root,
    ...(hostname === undefined ? {} : { hostname }),
    ...(domainname === undefined ? {} : { domainname }),
    mounts: all,
    process,
    linux: JSON.parse(
      JSON.stringify({
        ...linux,
        ...(user ? { uidMappings: MAPPINGS, gidMappings: MAPPINGS } : {}),
        namespaces: [...(user ? ['user'] : []), ...namespaces].map((type) => ({ type })),
      }),
    ) as Config['linux'],
  }));

/** A config, and the machine that it is compiled for. */
export const cases: fc.Arbitrary<Case> = fc
  .record({
    config: configs,
    root: fc.constantFrom(...Object.values(ROOTS)),
    cgroup: fc.constantFrom('v1' as const, 'v2' as const, 'none' as const),
    resources: fc.constantFrom<Resources[]>(
      { pids: { limit: 64 }, devices: [{ allow: true }] },
      { pids: { limit: 64 }, memory: { limit: 52428800, swap: 52428800 }, cpu: { shares: 512 }, devices: deviceRules() },
    ),
    hold: fc.boolean(),
    reaper: fc.boolean(),
  })
  .map(({ config, ...more }) => ({ config, layout: layoutOf(more) }));

/** Compiles many cases and hands each plan to a law, which throws or answers false when it is broken. */
export function forAllPlans(law: (plan: Plan, given: Case) => boolean): void {
  fc.assert(
    fc.property(cases, (given) => law(compileRun(given.config, given.layout), given)),
    { numRuns: 300 },
  );
}
