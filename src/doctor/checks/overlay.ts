import { mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { removeLayer } from '../../layer.js';
import type { RootSource } from '../../plan/layout.js';
import { stageRoot } from '../../plan/rootfs.js';
import { type HostPath, step, toHostPath } from '../../plan/step.js';
import { unfitForLayers } from '../../prepare.js';
import { toConfig } from '../../spec/from-options.js';
import { codeOf, errnoWords, systemError } from '../../state/failure.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { elsewhere, toFinding, toldElsewhere } from '../finding.js';
import { rootLayout } from '../layouts.js';
import { note } from '../probe-plan.js';
import { isForRights } from '../rights.js';
import { inRoot, makeLayer } from '../scratch.js';

export const overlay: Check = {
  id: 'overlay',
  group: 'storage',
  title: 'a writable layer above a rootfs',
  proves:
    "The helper mounts an overlay whose upper and work folders lie on the layers directory's own file system, as run does. Through it a file of the lower layer is removed, and a directory is removed and made again, which takes whiteouts and extended attributes (trusted.overlay.*).",
  why: 'The rootfs is never written: an overlay shows it, and keeps what a container writes in a layer above. A file system without extended attributes mounts all the same, and then fails in the middle of the work.',
  repair:
    'Load the module: `modprobe overlay`. Put CRT_LAYERS_DIR on ext4, xfs, btrfs or tmpfs, on which extended attributes and whiteouts work. Without overlay there is `--writable-rootfs`.',
  needsRoot: true,
  run: async (context) => {
    const { roots, facts } = context;
    const fstype = unfitForLayers(roots, facts);
    try {
      return await inRoot(roots.layers, 'layers-dir', async (layers) => {
        const { directory } = makeLayer(layers, roots.state, context.name('overlay'));
        try {
          return [await tryIt(directory, fstype, context)];
        } finally {
          removeLayer(layers, directory);
        }
      });
    } catch (error) {
      return [toFinding(error, 'overlay')];
    }
  },
};

const STEPS = ['staging', 'open', 'overlay'] as const;

async function tryIt(directory: HostPath, fstype: string | undefined, context: Context): Promise<Finding> {
  const { probe, roots, name } = context;
  const lower = makeLower(directory);
  const source: RootSource =
    fstype === undefined
      ? { kind: 'layer', lower, upper: toHostPath(`${directory}/upper`), work: toHostPath(`${directory}/work`), discard: true }
      : { kind: 'memory', lower, size: undefined };
  const config = toConfig({ name: name('overlay') }, { facts: { cpus: 1, oomScoreAdj: 0 }, rootfs: lower, rootfsKind: 'directory' });
  let written: Finding | undefined;
  const probed = await probe({
    stage: stageRoot(rootLayout(source), config),
    init: [step('report', 'monitor', { reason: 'mounted' }, note), step('await', 'monitor', {}, note)],
    // The stage's working directory is the staging area, and init inherits it.
    onReport: (_, pid) => {
      written = writeThrough(`/proc/${pid}/cwd/root`, context);
    },
  });
  if (written !== undefined) return written;
  if (!probed.ok) return toldElsewhere(probed, 'overlay', STEPS) ?? refused(probed, roots.layers);
  if (fstype === undefined)
    return { verdict: 'pass', observed: `what is written is kept: by an overlay with its layer in ${roots.layers}` };
  return {
    verdict: 'warn',
    observed: `${roots.layers} is on ${fstype}, which cannot take a writable layer`,
    expected: 'ext4, xfs, btrfs or tmpfs',
    cost: 'what containers write is kept in memory, and --keep is refused',
    fix: { advice: 'set CRT_LAYERS_DIR to a directory on a disk of its own, for all calls of crt' },
  };
}

function makeLower(directory: HostPath): HostPath {
  const lower = toHostPath(`${directory}/lower`);
  try {
    for (const folder of [lower, `${lower}/folder`]) mkdirSync(folder, { mode: 0o755 });
    writeFileSync(`${lower}/folder/file`, 'x');
  } catch (error) {
    throw systemError(`cannot write ${directory}`, error, 'layers-dir');
  }
  return lower;
}

/** What is wrong with that, which takes whiteouts and an opaque directory (overlayfs, "Non-directories" and "Directories"). */
function writeThrough(root: string, context: Context): Finding | undefined {
  try {
    unlinkSync(`${root}/folder/file`);
    rmdirSync(`${root}/folder`);
    mkdirSync(`${root}/folder`);
    writeFileSync(`${root}/folder/file`, 'y');
    return undefined;
  } catch (error) {
    if (isForRights(codeOf(error))) return elsewhere('capabilities');
    return {
      verdict: 'fail',
      observed: `an overlay with its layer in ${context.roots.layers} does not keep what is written: ${errnoWords(error)} (${codeOf(error)})`,
      expected: 'a file system with extended attributes of trusted.overlay, and whiteouts',
      cost: 'files of the rootfs cannot be removed or replaced inside',
      fix: { advice: 'set CRT_LAYERS_DIR to a directory on ext4, xfs, btrfs or tmpfs, for all calls of crt' },
    };
  }
}

function refused(probed: ProbeFailure, layers: HostPath): Finding {
  const cost = 'each run needs --writable-rootfs, which writes to the rootfs itself';
  if (probed.code === 'ENODEV')
    return {
      verdict: 'fail',
      observed: 'the kernel has no overlay file system',
      expected: 'one',
      cost,
      fix: { commands: ['modprobe overlay'] },
    };
  return {
    verdict: 'fail',
    observed: `no overlay can be mounted with its layer in ${layers}: ${probed.op}: ${probed.reason}`,
    expected: 'a file system that can be the upper layer of an overlay',
    cost,
    fix: { advice: 'set CRT_LAYERS_DIR to a directory on ext4, xfs, btrfs or tmpfs, for all calls of crt' },
  };
}
