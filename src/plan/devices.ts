import type { Config, Device } from '../spec/types.js';
import { type Step, step, toContainerPath } from './step.js';

const TYPE_BITS = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** Links that programs expect in /dev (OCI config-linux.md, "Default Devices" and "/dev symbolic links"). */
const LINKS: readonly (readonly [target: string, content: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];

/** Device nodes and links, once /dev is a file system of the container's own: made elsewhere they would land in the rootfs. */
export function makeDevices(config: Config): Step[] {
  if (!config.mounts.some((mount) => mount.destination === '/dev')) return [];
  const nodes = (config.linux.devices ?? []).map(makeNode);
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
    mode: TYPE_BITS[device.type] | (device.fileMode ?? 0o666),
    device: (BigInt(device.major) << 32n) | BigInt(device.minor),
    owner: (BigInt(device.uid ?? 0) << 32n) | BigInt(device.gid ?? 0),
  };
  // /dev/net/tun: its folder is not there yet.
  const flags = device.path.split('/').length > 3 ? (['mkdir'] as const) : [];
  return step('device', 'init', operands, { chapter: 'devices', why: `${device.type} ${device.major}:${device.minor}`, flags });
}
