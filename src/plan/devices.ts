import type { Config, Device, Mount } from '../spec/types.js';
import type { Layout } from './layout.js';
import { staged } from './rootfs.js';
import { type HostPath, type Step, step, toContainerPath, toHostPath } from './step.js';
import { hasUserNamespace, hostOwner, ownerOptions } from './user.js';

const TYPE_BITS = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** Links that programs expect in /dev (OCI config-linux.md, "Default Devices" and "/dev symbolic links"). */
const LINKS: readonly (readonly [target: string, content: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];

/** No user namespace may make device nodes: there the host makes the whole of /dev, before init is born. */
export function isStagedDev(config: Config, mount: Mount): boolean {
  return hasUserNamespace(config) && mount.destination === '/dev' && mount.type === 'tmpfs';
}

/** /dev in the staging area, with its nodes, for init to bind. No inode of the host's own /dev is in it. */
export function stageDev(config: Config, layout: Layout): Step[] {
  const mount = config.mounts.find((candidate) => isStagedDev(config, candidate));
  if (mount === undefined) return [];
  const target = staged(layout, 'dev');
  // nosuid and noexec are what the step sets; the time is kept as for any file system in memory.
  const options = [...(mount.options ?? []).filter((option) => option.includes('=')), ...ownerOptions(config)];
  return [
    step(
      'staging',
      'stage',
      { target, options },
      { chapter: 'devices', why: '/dev, where root inside can make no node', flags: ['mkdir'] },
    ),
    ...(config.linux.devices ?? []).map((device) => stageNode(device, config, toHostPath(target + device.path.slice('/dev'.length)))),
  ];
}

function stageNode(device: Device, config: Config, target: HostPath): Step {
  const operands = { target, mode: modeOf(device), device: numberOf(device), owner: hostOwner(config, device.uid ?? 0, device.gid ?? 0) };
  return step('node', 'stage', operands, noteOf(device));
}

/** Device nodes and links, once /dev is a file system of the container's own: made elsewhere they would land in the rootfs. */
export function makeDevices(config: Config): Step[] {
  if (!config.mounts.some((mount) => mount.destination === '/dev')) return [];
  const nodes = hasUserNamespace(config) ? [] : (config.linux.devices ?? []).map(makeNode);
  const links = LINKS.map(([target, content]) =>
    step(
      'symlink',
      'init',
      { root: 'root', content, target: toContainerPath(target) },
      { chapter: 'devices', why: 'a name that programs expect' },
    ),
  );
  const own = step('stdio', 'init', { root: 'root' }, { chapter: 'devices', why: "not the host's /dev/null" });
  return [...nodes, ...links, own];
}

function makeNode(device: Device): Step {
  const operands = {
    root: 'root',
    target: toContainerPath(device.path),
    mode: modeOf(device),
    device: numberOf(device),
    owner: (BigInt(device.uid ?? 0) << 32n) | BigInt(device.gid ?? 0),
  };
  return step('device', 'init', operands, noteOf(device));
}

function noteOf({ path, type, major, minor }: Device): Parameters<typeof step>[3] {
  // /dev/net/tun: its folder is not there yet.
  const flags = path.split('/').length > 3 ? (['mkdir'] as const) : [];
  return { chapter: 'devices', why: `${type} ${major}:${minor}`, flags };
}

function modeOf({ type, fileMode }: Device): number {
  return TYPE_BITS[type] | (fileMode ?? 0o666);
}

function numberOf({ major, minor }: Device): bigint {
  return (BigInt(major) << 32n) | BigInt(minor);
}
