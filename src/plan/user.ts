import type { Config, IdMapping } from '../spec/types.js';
import { type Step, step } from './step.js';

const namespaces = { chapter: 'namespaces' as const };
/** The slot of the user namespace, for steps that map ids. */
export const USERNS = 'userns';

export function hasUserNamespace(config: Config): boolean {
  return config.linux.namespaces.some(({ type }) => type === 'user');
}

/** A user and a group of the container as an `owner` operand: the host's ids that stand for them. An id without a mapping is root's. */
export function hostOwner(config: Config, uid: number, gid: number): bigint {
  if (!hasUserNamespace(config)) return (BigInt(uid) << 32n) | BigInt(gid);
  return (BigInt(toHost(config.linux.uidMappings, uid)) << 32n) | BigInt(toHost(config.linux.gidMappings, gid));
}

function toHost(mappings: readonly IdMapping[] = [], id: number): number {
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return mapping ? mapping.hostID + (id - mapping.containerID) : id === 0 ? 0 : toHost(mappings, 0);
}

/** The owner of what the host makes for root of the container; nothing to say where that is the host's root. */
export function ownedBy(config: Config): { owner?: bigint } {
  return hasUserNamespace(config) ? { owner: hostOwner(config, 0, 0) } : {};
}

/** tmpfs(5): the owner of the root of a file system that the host mounts for the container. */
export function ownerOptions(config: Config): string[] {
  const { owner } = ownedBy(config);
  return owner === undefined ? [] : [`uid=${owner >> 32n}`, `gid=${owner & 0xffffffffn}`];
}

/** Namespaces that can be made before there is a cgroup or a layer, and the operands that stand for them where there is a user namespace. */
const EARLY = { network: 'net', uts: 'uts', ipc: 'ipc' } as const;
export type EarlyNamespace = keyof typeof EARLY;

export function earlyNamespaces(config: Config): EarlyNamespace[] {
  return (Object.keys(EARLY) as EarlyNamespace[]).filter((type) => config.linux.namespaces.some((namespace) => namespace.type === type));
}

function earlySlots(config: Config): { net?: string; uts?: string; ipc?: string } {
  return Object.fromEntries(earlyNamespaces(config).map((type) => [EARLY[type], EARLY[type]]));
}

/** First of all mounts: their ids are mapped by it. What is made with it belongs to it. */
export function makeUserNamespace(config: Config): Step {
  const maps = { uid_map: mapText(config.linux.uidMappings), gid_map: mapText(config.linux.gidMappings) };
  return step(
    'userns',
    'stage',
    { userns: USERNS, ...earlySlots(config), ...maps },
    { ...namespaces, why: 'root inside is nobody outside' },
  );
}

/** After the last mount that needs the host's rights; everything that is born from here on belongs to the container. */
export function joinUserNamespace(config: Config): Step[] {
  if (!hasUserNamespace(config)) return [];
  return [
    step(
      'join-userns',
      'stage',
      { userns: USERNS, ...earlySlots(config) },
      { ...namespaces, why: "from here on the host's rights are gone" },
    ),
    step('ids-root', 'stage', {}, { ...namespaces, why: 'root of the container, or all that is made would be of nobody' }),
  ];
}

/** A line for each range, as user_namespaces(7) draws it. */
function mapText(mappings: readonly IdMapping[] = []): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}
