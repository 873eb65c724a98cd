import type { RunOptions } from '../options.js';

/**
 * Whether no file inside may get a setuid or setgid bit, or capabilities. In a folder of the host that the container may write to, what
 * root inside makes belongs to user 0 there: such a file would be as good as a root shell for any user of the host who can reach it.
 */
export function guardsSetId({ mounts = [], privileged, securityOpt = {} }: RunOptions): boolean {
  if (privileged || securityOpt.setId) return false;
  return mounts.some(({ type, readonly }) => type !== 'tmpfs' && !readonly);
}

/**
 * Capabilities that would get around it: with SETFCAP a file gets capabilities that count on the host; with FSETID, where root inside is
 * root of the host, a setuid file that lies there already keeps its bit when it is written.
 */
export function guardedCapabilities(options: RunOptions): readonly string[] {
  if (!guardsSetId(options)) return [];
  return options.userns === 'host' ? ['CAP_SETFCAP', 'CAP_FSETID'] : ['CAP_SETFCAP'];
}
