import type { RunOptions, SecurityOptions } from '../options.js';
import { DEFAULT_PIDS_LIMIT, defaultCapabilities } from './defaults.js';
import { guardsSetId } from './set-id.js';

/**
 * Each way in which the options ask for less than the defaults give, as stable words: they are written to the state record, and
 * shown by what reads it. `privileged` stands for all that it implies. What tightens has no word, nor has what changes nothing.
 * @param options as {@link checkOptions} answers them
 */
export function loosened(options: RunOptions): string[] {
  const { privileged, userns, network, writableRootfs, pidsLimit = DEFAULT_PIDS_LIMIT } = options;
  const kept = new Set(defaultCapabilities().bounding);
  return [
    ...(privileged ? ['privileged'] : []),
    ...(userns === 'host' ? ['userns=host'] : []),
    ...(network === 'host' ? ['network=host'] : []),
    ...(options.capAdd ?? []).filter((name) => !kept.has(name)).map((name) => `cap-add=${name}`),
    ...(options.devices ?? []).map(({ source }) => `device=${source}`),
    ...(liftsGuard(options) ? ['setid'] : []),
    ...securityWords(options.securityOpt ?? {}),
    ...(writableRootfs ? ['writable-rootfs'] : []),
    ...(pidsLimit === -1 || pidsLimit > DEFAULT_PIDS_LIMIT ? [`pids-limit=${pidsLimit}`] : []),
    ...(options.ulimits?.['core']?.some((limit) => limit !== 0) ? ['ulimit=core'] : []),
  ];
}

function securityWords({ noNewPrivileges, seccomp, unmask = [], apparmor, label }: SecurityOptions): string[] {
  return [
    ...(noNewPrivileges === false ? ['no-new-privileges=false'] : []),
    // A profile of one's own may allow more than crt's: nobody has compared them.
    ...(seccomp === undefined ? [] : [`seccomp=${seccomp}`]),
    ...(unmask === 'ALL' ? ['unmask=ALL'] : unmask.map((path) => `unmask=${path}`)),
    ...(apparmor === 'unconfined' ? ['apparmor=unconfined'] : []),
    ...(label === 'disable' ? ['label=disable'] : []),
  ];
}

/** Where there is nothing to guard it changes nothing. */
function liftsGuard({ securityOpt = {}, ...options }: RunOptions): boolean {
  return securityOpt.setId === true && guardsSetId({ ...options, securityOpt: { ...securityOpt, setId: false } });
}
