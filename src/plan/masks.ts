import type { Config } from '../spec/types.js';
import type { Layout } from './layout.js';
import { O_PATH } from './numbers.js';
import { staged } from './rootfs.js';
import { type Step, step, toContainerPath, toHostPath } from './step.js';
import { ownedBy } from './user.js';

/** Read-only, nosuid, noexec: a device can be written to all the same, but not its mode and owner, which are the host's. */
const NULL_ATTRS = 0x1 | 0x2 | 0x8;

function hasMasks(config: Config): boolean {
  return (config.linux.maskedPaths ?? []).length > 0;
}

/** What masked paths are covered with: the host's /dev/null, not a file that the image could have swapped (CVE-2025-31133). */
export function stageMasks(config: Config, layout: Layout): Step[] {
  if (!hasMasks(config)) return [];
  const note = { chapter: 'masks' as const };
  return [
    step(
      'bind-source',
      'stage',
      { source: toHostPath('/dev/null'), target: staged(layout, 'null'), attrs: NULL_ATTRS },
      { ...note, why: 'covers masked files' },
    ),
    step(
      'open',
      'stage',
      { fd: 'empty', path: staged(layout, 'empty'), flags: O_PATH, ...ownedBy(config) },
      { ...note, why: 'covers masked folders', flags: ['mkdir'] },
    ),
  ];
}

/** Masks and read-only paths; one that this kernel does not have is passed over. */
export function maskAll(config: Config, layout: Layout): Step[] {
  const covers = { root: 'root', file: staged(layout, 'null'), directory: staged(layout, 'empty') };
  const masks = (config.linux.maskedPaths ?? []).map((path) =>
    step(
      'mask',
      'init',
      { ...covers, target: toContainerPath(path) },
      { chapter: 'masks', why: 'tells or does too much of the host', flags: ['optional'] },
    ),
  );
  const locked = (config.linux.readonlyPaths ?? []).map((path) =>
    step(
      'readonly',
      'init',
      { root: 'root', target: toContainerPath(path) },
      { chapter: 'masks', why: "a knob of the host's kernel", flags: ['optional'] },
    ),
  );
  return [...masks, ...locked];
}
