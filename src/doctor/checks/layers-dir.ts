import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { removeLayer } from '../../layer.js';
import type { HostPath } from '../../plan/step.js';
import { systemError } from '../../state/failure.js';
import type { Check, Context } from '../check.js';
import { tryRoot } from '../root-fix.js';
import { makeLayer } from '../scratch.js';

export const layersDir: Check = {
  id: 'layers-dir',
  group: 'storage',
  title: 'the directory of writable layers',
  proves:
    'In /var/lib/crt/layers (CRT_LAYERS_DIR) a layer is made as a start makes it, with owner and mode; a file is written in it and renamed, a symbolic link is made, and all of it is removed. The directory belongs to root and to nobody else. Where it is not there yet, a folder beside it is taken instead and removed.',
  why: 'What a container writes goes to a layer of its own there, never to the rootfs; and there is written down which user ids a container has.',
  repair:
    'Make it writable, owned by root, mode 0700, or set CRT_LAYERS_DIR to a directory that is. noexec and nodev do no harm: a layer is only seen through the overlay.',
  needsRoot: true,
  run: async (context) => [await tryRoot('layers-dir', context, (layers) => makeAndRemove(layers, context))],
};

function makeAndRemove(layers: HostPath, { roots, name }: Context): void {
  const { directory } = makeLayer(layers, roots.state, name('layer'));
  try {
    writeFileSync(`${directory}/upper/.new`, 'x');
    renameSync(`${directory}/upper/.new`, `${directory}/upper/file`);
    symlinkSync('a claim of user ids', `${directory}/link`);
  } catch (error) {
    throw systemError(`cannot write ${directory}`, error, 'layers-dir');
  } finally {
    removeLayer(layers, directory);
  }
}
