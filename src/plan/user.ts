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

/** First of all mounts: their ids are mapped by it. */
export function makeUserNamespace(config: Config): Step[] {
  if (!hasUserNamespace(config)) return [];
  const operands = { userns: USERNS, uid_map: mapText(config.linux.uidMappings), gid_map: mapText(config.linux.gidMappings) };
  return [step('userns', 'stage', operands, { ...namespaces, why: 'root inside is nobody outside' })];
}

/** After the last mount that needs the host's rights; everything that is born from here on belongs to the container. */
export function joinUserNamespace(config: Config): Step[] {
  if (!hasUserNamespace(config)) return [];
  return [
    step('join-userns', 'stage', { userns: USERNS }, { ...namespaces, why: "from here on the host's rights are gone" }),
    step('ids-root', 'stage', {}, { ...namespaces, why: 'root of the container, or all that is made would be of nobody' }),
  ];
}

/** A line for each range, as user_namespaces(7) draws it. */
function mapText(mappings: readonly IdMapping[] = []): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}
