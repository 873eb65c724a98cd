import { realpathSync } from 'node:fs';
import { UserError } from './errors.js';
import type { HostFacts } from './host/facts.js';
import { holdingMount } from './host/mounts.js';

/** For the user namespace's layers: overlay takes idmapped ones since then. */
const OVERLAY_SINCE = { major: 5, minor: 19 };
const TMPFS_SINCE = { major: 6, minor: 3 };
/** File systems on which the kernel maps no ids (mount_setattr(2), "ID-mapped mounts"). What is not listed is found out by the start. */
const NOT_MAPPABLE =
  /^(overlay|nfs4?|cifs|smb3|9p|fuse(blk)?|fuse\..*|virtiofs|vboxsf|ecryptfs|proc|sysfs|cgroup2?|devtmpfs|devpts|debugfs|tracefs|ramfs)$/;
const HINT = "--userns host goes without a user namespace: root inside is then the host's root, less capabilities";

/**
 * Whether the ids of these paths can be mapped, so that files show their owners in a user namespace.
 * @param paths each behind what a message about it begins with
 * @throws UserError naming the path, its file system and the flag that goes without
 */
export function checkMappable({ kernel, mounts }: HostFacts, paths: readonly (readonly [what: string, path: string])[]): void {
  if (isOlder(kernel, OVERLAY_SINCE)) {
    throw new UserError(
      `this kernel is ${kernel.release}; a user namespace over a layered rootfs takes ${OVERLAY_SINCE.major}.${OVERLAY_SINCE.minor}`,
      {
        hint: HINT,
        check: 'kernel-version',
      },
    );
  }
  for (const [what, path] of paths) {
    const fstype = holdingMount(realpathSync(path), mounts)?.fstype ?? '';
    if (!NOT_MAPPABLE.test(fstype) && !(fstype === 'tmpfs' && isOlder(kernel, TMPFS_SINCE))) continue;
    throw new UserError(`${what}${path} is on ${fstype}, on which the kernel cannot map ids for a user namespace`, {
      hint: HINT,
      check: 'user-namespace',
    });
  }
}

function isOlder(kernel: HostFacts['kernel'], since: { major: number; minor: number }): boolean {
  return kernel.major < since.major || (kernel.major === since.major && kernel.minor < since.minor);
}
