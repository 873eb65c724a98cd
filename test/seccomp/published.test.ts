import { existsSync, readFileSync } from 'node:fs';
import { compileSeccomp } from '../../src/seccomp/compile.js';
import { defaultProfile } from '../../src/seccomp/default-profile.js';
import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { unknownCalls } from '../../src/seccomp/unknown-calls.js';
import { readSeccompProfile } from '../../src/spec/seccomp-profile.js';
import { AUDIT, type Call, execute } from './bpf.js';
import { PODMAN_11 } from './decide.js';
import { ABIS, asked, Oracle, title, without } from './oracle.js';

const PUBLISHED = ['/usr/share/containers/seccomp.json', process.env['CRT_DOCKER_SECCOMP'] ?? ''].filter((path) => existsSync(path));
const TARGET = { arch: 'x64', kernel: { major: 6, minor: 1 }, capabilities: PODMAN_11 };

/** First and second argument: selectors of socketcall and ipc, families, personalities, flags of clone, commands of ioctl. */
const PAIRS: readonly (readonly [bigint, bigint])[] = [
  ...[0n, 1n, 2n, 8n, 11n, 21n, 38n, 40n, 0x20008n, 0x10000011n, 0xffffffffn].map((first) => [first, 0n] as const),
  ...[0n, 1n, 16n].flatMap((first) => [9n, 0x5412n, 0x541cn, 0x5401n].map((second) => [first, second] as const)),
];

asked(title('the default profile, and those of podman and docker where they are, decide as libseccomp decides'), async (t) => {
  const oracle = new Oracle();
  const profiles = [
    defaultProfile({ capabilities: PODMAN_11 }),
    defaultProfile({ capabilities: ['CAP_SYS_ADMIN'], mountIsAnswered: true }),
    ...PUBLISHED.flatMap((path) => [
      readSeccompProfile(readFileSync(path, 'utf8'), path, TARGET),
      readSeccompProfile(readFileSync(path, 'utf8'), path, { ...TARGET, capabilities: ['CAP_SYS_ADMIN', 'CAP_AUDIT_WRITE'] }),
    ]),
  ];
  try {
    for (const given of profiles) {
      t.deepEqual(unknownCalls(given), []);
      const taken = without(given, (await oracle.ask(given, 'x64')).refused);
      const theirs = (await oracle.ask(taken, 'x64', true)).bpf;
      const ours = compileSeccomp(taken, { arch: 'x64', newCallsAreMissing: false });
      for (const [abi] of ABIS['x64'] ?? []) {
        const names = [
          'socketcall',
          'ipc',
          ...(given.syscalls ?? []).filter(({ args }) => args !== undefined).flatMap((item) => item.names),
        ];
        const looking = new Set(names.map((name) => (syscallNumbers(abi).get(name) ?? -1) & 0xfff));
        for (let low = -1; low < 620; low++) {
          for (const [first, second] of looking.has(low) ? PAIRS : PAIRS.slice(0, 2)) {
            const nr = low < 0 ? 0xffffffff : abi === 'x32' ? 0x40000000 + low : low;
            const call: Call = { nr, arch: AUDIT[abi], args: [first, second, second, 0n, 0n, 0n] };
            const [mine, other] = [execute(ours, call).verdict, execute(theirs, call).verdict];
            if (mine !== other) t.fail(`${abi} ${nr}(${call.args.join()}): 0x${mine.toString(16)}, libseccomp 0x${other.toString(16)}`);
          }
        }
      }
      t.log(`${given.syscalls?.length} rules: ours ${ours.length / 8} instructions, libseccomp's ${theirs.length / 8}`);
    }
    t.pass();
  } finally {
    oracle.end();
  }
});
