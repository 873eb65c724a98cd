import type { RunOptions } from '../options.js';

/**
 * Whether no file inside may get a setuid or setgid bit, or capabilities. In a folder of the host that the container may write to, what
 * root inside makes belongs to user 0 there: such a file would be as good as a root shell for any user of the host who can reach it.
 */
export function guardsSetId({ mounts = [], privileged, securityOpt = {} }: RunOptions): boolean {
  if (privileged || securityOpt.setId) return false;
  return mounts.some(({ type, readonly }) => type !== 'tmpfs' && !readonly);
}
