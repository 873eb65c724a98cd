import { removeDirectories } from './cgroup/directory.js';
import type { CgroupDirectory } from './cgroup/driver.js';
import { claimIds } from './ids.js';
import { createLayer } from './layer.js';
import type { RunOptions } from './options.js';
import { toHostPath } from './plan/step.js';
import type { Prepared } from './prepare.js';
import { IDS } from './spec/defaults.js';
import { type Claim, claim, reclaim } from './state/claim.js';
import { ownIdentity } from './state/lock.js';
import type { Entry } from './state/store.js';
import { undo, undoContext } from './undo.js';

/** The host-visible effects of one container: state folder, cgroup, layer. What is made can be undone at any stage. */
export class Effects {
  readonly claim: Claim;
  readonly #prepared: Prepared;

  /** Takes the name, or the stopped container that is to be started again. @throws UserError when it is taken. */
  constructor(prepared: Prepared, command: readonly string[], options: RunOptions, again?: Entry) {
    const { name, roots, rootfs, cgroup, layer, ids } = prepared;
    this.#prepared = prepared;
    const record = {
      version: 1 as const,
      name,
      owner: ownIdentity(),
      created: again?.record?.created ?? new Date().toISOString(),
      rootfs: rootfs.label,
      rootfsKind: rootfs.kind,
      command,
      ...(options.memory === undefined ? {} : { memoryLimit: options.memory }),
      cgroupPaths: cgroup.paths,
      ...(layer === undefined ? {} : { layer: toHostPath(`${roots.layers}/${layer}`) }),
      ...(ids === undefined ? {} : { ids }),
      keep: options.keep ?? false,
      loosened: prepared.loosened,
    };
    const context = undoContext();
    this.claim =
      again === undefined
        ? claim(record, { roots, repair: (directory) => void undo(directory, context) })
        : reclaim(again, record, { roots });
  }

  /** Makes the layer, and the `host` rootfs; of both the state folder knows by now. @throws UserError */
  makeLayer(): void {
    const { roots, layer, rootfs, host, ids, hasUpper, life } = this.#prepared;
    if (life.start > 1) {
      // The layer is there, and so are its ids.
      host?.make();
      return;
    }
    // First, and before anything else is made: it is the one thing that another start may have taken meanwhile.
    if (ids !== undefined) claimIds(roots, ids, this.claim.directory, this.claim.record);
    host?.make();
    if (layer === undefined) return;
    const owner = { lowerUid: shifted(rootfs.uid, ids), lowerGid: shifted(rootfs.gid, ids) };
    const { directory, record } = this.claim;
    createLayer(roots.layers, layer, hasUpper ? { lowerMode: rootfs.mode, ...owner } : undefined, { directory, record });
  }

  /** Makes the cgroups; the state folder knows where, and then which. @throws UserError */
  makeCgroups(): void {
    let made: readonly CgroupDirectory[] = [];
    try {
      made = this.#prepared.cgroup.create();
    } finally {
      // A creation that failed has taken back what it made: what stands there nevertheless is not ours, and undo is to leave it alone.
      this.#noteCgroups(made);
    }
  }

  /** Of what is not written down nobody would know: `crt rm -f` may just have removed the folder of a container that starts again. */
  #noteCgroups(made: readonly CgroupDirectory[]): void {
    try {
      this.claim.writeCgroups(made);
    } catch (error) {
      removeDirectories(made);
      throw error;
    }
  }

  /** Undoes all that was made; a kept layer and its record stay when the command has run. @throws UserError when something is left. */
  undo(): void {
    undo(this.claim.directory, undoContext(), { claim: this.claim.record.id });
  }
}

/** The host's id that an owner of the rootfs has in the layer; one that the container has no id for becomes its root. */
function shifted(id: number, ids: number | undefined): number {
  if (ids === undefined) return id;
  return ids + (id < IDS ? id : 0);
}
