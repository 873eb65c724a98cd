import type { MountEntry } from '../../host/mounts.js';
import type { Descriptor } from '../../host/process-files.js';
import { type Evidence, nameProcesses, type ProcessEvidence } from '../evidence.js';
import { matchMounts } from '../expected-mounts.js';
import { fail, note, pass, type Seen } from '../finding.js';

/** Files that have no place in any mount table. */
const KERNELS_OWN = /^(pipe:|socket:|anon_inode:|\/memfd:|\/SYSV|\/dev\/zero \(deleted\)|net:|mnt:|pid:|user:|uts:|ipc:|cgroup:|time:)/;

/**
 * No process holds a file or a folder of the host: each descriptor was opened on a mount that the container has, or is a pipe, socket or the like.
 * By mount number, which nobody inside chooses; the name of a file is anybody's to choose.
 */
export function descriptors(evidence: Evidence): readonly Seen[] {
  const own = idsOf(evidence.mounts);
  const host = idsOf(evidence.facts.mounts);
  const wrong = evidence.processes.flatMap((process) => {
    const inside = process.mounts === undefined ? own : new Set([...own, ...[...idsOf(process.mounts)].filter((id) => !host.has(id))]);
    return process.descriptors.flatMap((descriptor) => judge(process, descriptor, inside, host));
  });
  const looked = evidence.processes.reduce((sum, process) => sum + process.descriptors.length, 0);
  const left = evidence.descriptorsLeftOut ? [note(`more than ${looked} are open: the rest was not looked at`)] : [];
  if (wrong.length > 0) return [...wrong.slice(0, 5), ...left];
  return [pass(`${looked} open, none leads out`), ...left];
}

function judge(
  process: ProcessEvidence,
  { fd, target, mount }: Descriptor,
  inside: ReadonlySet<number>,
  host: ReadonlySet<number>,
): readonly Seen[] {
  if (mount !== undefined && inside.has(mount)) return [];
  const who = `${fd} of ${nameProcesses([process])} is ${target}`;
  if (mount !== undefined && host.has(mount)) return [fail(`${who}, on a mount of the host`, 'files of the container only')];
  if (KERNELS_OWN.test(target)) return [];
  return [fail(`${who}, on a mount that the container does not have`, 'files of the container only')];
}

function idsOf(mounts: readonly MountEntry[]): Set<number> {
  return new Set(mounts.map(({ id }) => id));
}

/** /dev is a file system of its own, and in it is mounted what was asked for only: no /dev of the host, no node of it but what masks. */
export function deviceNodes(evidence: Evidence): readonly Seen[] {
  const dev = evidence.mounts.filter(({ mountpoint }) => mountpoint === '/dev').at(-1);
  const isHosts = dev !== undefined && evidence.facts.mounts.some(({ device }) => device === dev.device);
  if (dev === undefined || dev.fstype !== 'tmpfs' || isHosts)
    return [fail(`/dev is ${dev === undefined ? 'of the image' : `${dev.fstype}${isHosts ? ' of the host' : ''}`}`, 'a tmpfs of its own')];
  const inside = matchMounts(evidence).matched.filter(({ mount }) => mount.mountpoint.startsWith('/dev/'));
  const foreign = inside.filter(({ expected }) => expected === undefined);
  if (foreign.length > 0)
    return [fail(`mounted in it: ${foreign.map(({ mount }) => mount.mountpoint).join(', ')}`, 'nothing but what was asked for')];
  return [
    pass(`/dev is a tmpfs of its own; in it ${inside.map(({ mount }) => mount.mountpoint.slice('/dev/'.length)).join(', ') || 'no mount'}`),
  ];
}
