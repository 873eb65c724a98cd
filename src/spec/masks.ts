import { UserError } from '../errors.js';
import type { SecurityOptions } from '../options.js';
import * as defaults from './defaults.js';
import { quote } from './quote.js';

/** What is covered, and what is shown but never written. */
export interface Masks {
  readonly maskedPaths: string[];
  readonly readonlyPaths: string[];
}

/**
 * The masks and read-only paths that are left of the defaults, and those asked for: podman's meaning of mask and unmask.
 * @param cpus processors of the machine
 * @throws UserError for a path to unmask that nothing of the defaults covers: it would be ignored.
 */
export function toMasks({ mask = [], unmask = [] }: SecurityOptions, privileged: boolean, cpus: number): Masks {
  const masked = defaults.maskedPaths(cpus);
  const patterns = unmask === 'ALL' ? [/^/] : unmask.map((path) => toPattern(path, [...masked, ...defaults.READONLY_PATHS]));
  const kept = (path: string): boolean => !privileged && !patterns.some((pattern) => pattern.test(path));
  return {
    maskedPaths: [...new Set([...masked.filter(kept), ...mask])],
    readonlyPaths: defaults.READONLY_PATHS.filter(kept),
  };
}

/** `*` and `?` match within one part of a path, as in glob(7). */
function toPattern(path: string, known: readonly string[]): RegExp {
  const plain = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${plain.replaceAll('\\*', '[^/]*').replaceAll('\\?', '[^/]')}$`, 's');
  if (known.some((candidate) => pattern.test(candidate))) return pattern;
  throw new UserError(`securityOpt.unmask: ${quote(path)} is neither masked nor read-only`, {
    hint: `ALL, or some of: ${known.filter((candidate) => !candidate.endsWith('thermal_throttle')).join(' ')}`,
  });
}
