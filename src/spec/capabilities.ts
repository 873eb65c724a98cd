import { UserError } from '../errors.js';
import { nearest } from './nearest.js';
import { quote } from './quote.js';

/** Every capability of capabilities(7), in the order of its number from 0 (linux/capability.h, Linux 5.9 and later). */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITIES.map((name, number) => [name, number]));

/** The number of `CAP_CHOWN` …; undefined for a name that capabilities(7) does not have. */
export function capabilityNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}

/**
 * The set as capset(2) takes it, bit n for capability n.
 * @throws UserError for an unknown name: a capability is never dropped or kept by a misspelling.
 */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(knownNumber(name))), 0n);
}

/** The names of a set, in the order of their numbers; bits that have no name here are left out. */
export function capabilityNames(mask: bigint): string[] {
  return CAPABILITIES.filter((_, number) => (mask >> BigInt(number)) & 1n);
}

function knownNumber(name: string): number {
  const number = NUMBERS.get(name);
  if (number !== undefined) return number;
  const guess = nearest(name, CAPABILITIES);
  throw new UserError(`${quote(name)} is not a capability`, { hint: guess ? `did you mean ${guess}?` : 'the names: man 7 capabilities' });
}
