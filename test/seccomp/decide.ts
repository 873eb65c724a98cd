import { syscallNumbers } from '../../src/seccomp/syscalls.js';
import { AUDIT, execute, type Outcome } from './bpf.js';

export const ALLOW = 0x7fff0000;
export const NOTIFY = 0x7fc00000;
export const EPERM = 0x00050001;
export const ENOSYS = 0x00050026;

export type Abi = keyof typeof AUDIT;
export const NATIVE: Readonly<Record<string, Abi>> = { x64: 'x86_64', arm64: 'aarch64' };

const capabilities = (names: string): string[] => names.split(' ').map((name) => `CAP_${name}`);
export const PODMAN_11 = capabilities('CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL');
export const DOCKER_14 = [...PODMAN_11, ...capabilities('MKNOD NET_RAW AUDIT_WRITE')];

const tables = new Map(Object.keys(AUDIT).map((abi) => [abi as Abi, syscallNumbers(abi as Abi)]));

/** Runs a filter on a call by name, with its first arguments. */
export function run(filter: Uint8Array, abi: Abi, name: string, ...args: readonly (number | bigint)[]): Outcome {
  const nr = tables.get(abi)?.get(name);
  if (nr === undefined) throw new RangeError(`${abi} has no ${name}`);
  return execute(filter, { nr, arch: AUDIT[abi], args: args.map(BigInt) });
}
