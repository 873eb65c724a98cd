import { readText } from '../cgroup/files.js';
import { capabilityMask, capabilityNames } from '../spec/capabilities.js';

const NOTHING = { verdict: 'fail', cost: 'no container can be started' } as const;
const NO_USERNS = { verdict: 'fail', cost: 'no container with a user namespace, the default, can be started' } as const;
const NO_HOST = { verdict: 'warn', cost: '--userns host does not work' } as const;

/** What crt itself does with a capability, and what is lost without it: found by dropping each from the bounding set. */
export const RIGHTS: Readonly<Record<string, { readonly verdict: 'fail' | 'warn'; readonly use: string; readonly cost: string }>> = {
  CAP_SYS_ADMIN: { use: 'makes namespaces and mounts', ...NOTHING },
  CAP_MKNOD: { use: 'makes /dev', ...NOTHING },
  CAP_DAC_OVERRIDE: { use: 'reaches folders of other users', ...NOTHING },
  CAP_SETGID: { use: 'becomes root of the container', ...NOTHING },
  CAP_SETUID: { use: 'becomes root of the container', ...NO_USERNS },
  CAP_SYS_PTRACE: { use: 'opens the namespaces that it has made', ...NO_USERNS },
  CAP_CHOWN: { use: 'gives files to root of the container', ...NO_USERNS },
  CAP_FOWNER: { use: 'sets the mode of files that belong to root of the container', ...NO_USERNS },
  CAP_SETPCAP: { use: 'takes capabilities from who keeps the ids of the host', ...NO_HOST },
  CAP_NET_ADMIN: { use: 'brings loopback up where there is no user namespace', ...NO_HOST },
};

/** True when a refusal with this errno(3) is for want of a capability. */
export function isForRights(code: string | undefined): boolean {
  return (code === 'EPERM' || code === 'EACCES') && missingRights().length > 0;
}

/** The capabilities that crt uses and does not have, in its bounding set and in force (proc_pid_status(5)). */
export function missingRights(): string[] {
  const status = readText('/proc/self/status') ?? '';
  const masks = [...status.matchAll(/^Cap(?:Bnd|Eff):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
  return capabilityNames(masks.reduce((left, mask) => left | (capabilityMask(Object.keys(RIGHTS)) & ~mask), 0n));
}
