import { holdingMount } from '../../host/mounts.js';
import * as defaults from '../../spec/defaults.js';
import { type Evidence, wordsOf } from '../evidence.js';
import { isReadOnly, MASK } from '../expected-mounts.js';
import { fail, pass, type Seen, weaker } from '../finding.js';
import { describe } from './root.js';

/** Each masked path of the config that this kernel has is covered, by nothing but the host's null device or an empty folder. */
export function masked(evidence: Evidence): readonly Seen[] {
  const { config, mounts, kernelPaths, facts } = evidence;
  const paths = (config.linux.maskedPaths ?? []).filter((path) => !isKernels(path) || kernelPaths.has(path));
  const open = paths.flatMap((path) => {
    const top = holdingMount(path, mounts);
    const covers =
      top !== undefined && top.mountpoint === path && MASK.test(top.root) && isReadOnly(top) && ['devtmpfs', 'tmpfs'].includes(top.fstype);
    // Of the image, which may not have it: passed over.
    if (covers || (!isKernels(path) && top?.mountpoint !== path)) return [];
    return [fail(top?.mountpoint === path ? describe(top) : `${path} is not covered`, `${path} masked`)];
  });
  if (open.length > 0) return open;
  return [
    pass(`${paths.length} covered; ${(config.linux.maskedPaths ?? []).length - paths.length} more are not on this kernel`),
    ...lostOf(defaults.maskedPaths(facts.cpus), config.linux.maskedPaths ?? [], evidence),
  ];
}

export function readOnly(evidence: Evidence): readonly Seen[] {
  const { config, mounts, kernelPaths } = evidence;
  const paths = (config.linux.readonlyPaths ?? []).filter((path) => kernelPaths.has(path));
  const writable = paths.flatMap((path) => {
    const top = holdingMount(path, mounts);
    return top !== undefined && isReadOnly(top) ? [] : [fail(`${path} can be written to`, `${path} read-only`)];
  });
  if (writable.length > 0) return writable;
  return [pass(`${paths.join(', ') || 'none'}`), ...lostOf(defaults.READONLY_PATHS, config.linux.readonlyPaths ?? [], evidence)];
}

/** Of the defaults, what the config has not and this kernel has. */
function lostOf(usual: readonly string[], asked: readonly string[], evidence: Evidence): readonly Seen[] {
  const covered = new Set([...asked, ...(evidence.config.linux.maskedPaths ?? [])]);
  const lost = usual.filter((path) => evidence.kernelPaths.has(path) && !covered.has(path));
  if (lost.length === 0) return [];
  return [weaker(`open: ${lost.join(', ')}`, 'covered, as the defaults have it', wordsOf(evidence, /^unmask=/, 'privileged'))];
}

function isKernels(path: string): boolean {
  return /^\/(proc|sys)\//.test(path);
}
