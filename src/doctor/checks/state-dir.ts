import { helperVerbs } from '../../launch/verbs.js';
import { claim } from '../../state/claim.js';
import type { Roots } from '../../state/roots.js';
import { undo } from '../../undo.js';
import type { Check } from '../check.js';
import { tryRoot } from '../root-fix.js';
import { scratchRecord } from '../scratch.js';

export const stateDir: Check = {
  id: 'state-dir',
  group: 'storage',
  title: 'the state directory',
  proves:
    'In /run/crt (CRT_STATE_DIR) a name is claimed as a start claims it, a folder filled aside and renamed; files are written, and all of it is undone. The directory belongs to root and to nobody else. Where it is not there yet, a folder beside it is taken instead and removed.',
  why: 'Everything that a container changes on the host is written down there first, so that any crash can be undone. Who can write to it decides what is killed and removed.',
  repair: 'Make it writable, owned by root, mode 0700, or set CRT_STATE_DIR to a directory that is. noexec and nodev do no harm.',
  needsRoot: true,
  run: async (context) => [
    await tryRoot('state-dir', context, (state) => claimAndUndo({ ...context.roots, state }, context.name('state'))),
  ],
};

function claimAndUndo(roots: Roots, name: string): void {
  const claimed = claim(scratchRecord(name), { roots, repair: () => {} });
  try {
    claimed.writeConfig({ doctor: true });
    claimed.writeCgroups([]);
  } finally {
    undo(claimed.directory, { roots, verbs: helperVerbs() }, { claim: claimed.record.id });
  }
}
