import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BugError, UserError } from './errors.js';
import { shellWord } from './format/shell-word.js';
import { type HostPath, toHostPath } from './plan/step.js';
import { removeTree } from './remove-tree.js';
import { Fields } from './state/decode.js';
import { codeOf, systemError } from './state/failure.js';
import { CorruptFile, parseJson, randomName, readStateFile } from './state/file.js';
import { type ContainerRecord, decodeRecord } from './state/record.js';
import { ensureRoot, type Roots } from './state/roots.js';
import { readdirIfThere } from './state/temporary.js';

/** The folders of one writable layer (overlayfs: upperdir and workdir must be on one file system). */
export interface Layer {
  /** The layer's own folder, 0700: setuid files that a container leaves in its layer are out of reach of other users. */
  readonly directory: HostPath;
  readonly upper: HostPath;
  readonly work: HostPath;
}

/** Mode and owner of the lower root directory, as the layer is to have them: the merged root shows those of the upper one. */
export interface LowerRoot {
  readonly lowerMode: number;
  readonly lowerUid: number;
  readonly lowerGid: number;
}

/** Whose layer it is. /run is emptied by a restart and /var is not: with this a layer is found again without its state folder. */
export interface LayerOwner {
  /** The state folder. */
  readonly directory: HostPath;
  readonly record: ContainerRecord;
}

/** `NAME.RANDOM`: says whose it is, and is never used twice. */
const ID = /^(.+)\.([0-9a-f]{16})$/;

/** A fresh id for a layer of the container called `name`. */
export function layerId(name: string): string {
  return `${name}.${randomName()}`;
}

/**
 * Makes the folders of a layer in the layers root `root`; without `lower` its own folder alone, for a log. @throws UserError when the disk is full or read-only; then
 * nothing of it is left.
 */
export function createLayer(root: HostPath, id: string, lower: LowerRoot | undefined, owner: LayerOwner): Layer {
  if (!ID.test(id) || id.includes('/')) throw new BugError(`not a layer id: ${JSON.stringify(id)}`);
  ensureRoot(root, 'layers-dir');
  const directory = toHostPath(`${root}/${id}`);
  const layer = { directory, upper: toHostPath(`${directory}/upper`), work: toHostPath(`${directory}/work`) };
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw systemError(`cannot make the writable layer ${directory}`, error, 'layers-dir');
  }
  try {
    writeFileSync(`${directory}/owner.json`, JSON.stringify({ version: 1, ...owner }), { mode: 0o600 });
    if (lower === undefined) return layer;
    mkdirSync(layer.upper, { mode: 0o700 });
    chownSync(layer.upper, lower.lowerUid, lower.lowerGid);
    // After chown(2), which clears the set-id bits; and mkdir(2) would apply the umask.
    chmodSync(layer.upper, lower.lowerMode & 0o7777);
    mkdirSync(layer.work, { mode: 0o700 });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw systemError(`cannot make the writable layer ${directory}`, error, 'layers-dir');
  }
  return layer;
}

/**
 * Removes a layer with all that the container wrote; nothing happens when it is gone already.
 * @returns true when it was there.
 * @throws UserError, also for a path that is not directly in the layers root: a damaged record must not name anything else.
 */
export function removeLayer(root: HostPath, directory: HostPath): boolean {
  // Compared whole: with a slash at its end lstat(2) would follow a symlink.
  if (directory !== `${root}/${basename(directory)}` || !ID.test(basename(directory))) {
    throw new UserError(`will not remove ${directory}: it is no layer in ${root}`, {
      hint: `if it is one: CRT_LAYERS_DIR=${shellWord(dirname(directory))} crt rm NAME`,
      check: 'leftovers',
    });
  }
  return removeTree(directory, 'leftovers');
}

/** A layer whose state folder is gone: a restart emptied /run. */
export interface LostLayer extends LayerOwner {
  readonly layer: HostPath;
}

/** Layers of state folders in these roots that are not there any more; all, or those of one name. */
export function lostLayers(roots: Roots, name?: string): readonly LostLayer[] {
  return layersOf(roots, name).filter((lost) => lstatSync(lost.directory, { throwIfNoEntry: false }) === undefined);
}

/** Layers whose state folder is or was in these roots. A layer without a legible owner.json belongs to nobody that we know. */
export function layersOf(roots: Roots, name?: string): readonly LostLayer[] {
  return readdirIfThere(roots.layers)
    .filter((id) => (name === undefined ? ID.test(id) : ID.exec(id)?.[1] === name))
    .flatMap((id) => readOwner(toHostPath(`${roots.layers}/${id}`)) ?? [])
    .filter(({ directory }) => dirname(directory) === roots.state);
}

/** Layers that do not say whose they are: damaged, or not made by us. */
export function nobodysLayers(roots: Roots): readonly HostPath[] {
  return readdirIfThere(roots.layers)
    .filter((id) => ID.test(id))
    .map((id) => toHostPath(`${roots.layers}/${id}`))
    .filter((layer) => readOwner(layer) === undefined);
}

function readOwner(layer: HostPath): LostLayer | undefined {
  try {
    const text = readStateFile(`${layer}/owner.json`);
    if (text === undefined) return undefined;
    const fields = new Fields(parseJson(text));
    fields.version(1);
    const directory = fields.path('directory');
    return { layer, directory, record: decodeRecord(fields.get('record'), basename(directory)) };
  } catch (error) {
    if (error instanceof CorruptFile || codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** Bytes that a layer takes on disk, as du(1) counts (hard links once a name); undefined when it cannot be read, a path too long included. */
export function layerSize(directory: HostPath): number | undefined {
  let bytes = 0;
  const slash = Buffer.from('/');
  // Names as bytes: a container may make some that are not UTF-8.
  const folders: Buffer[] = [Buffer.from(directory)];
  try {
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      // By entry type, never by stat(2): a symlink in the layer may point anywhere.
      for (const entry of readdirSync(folder, { encoding: 'buffer', withFileTypes: true })) {
        const path = Buffer.concat([folder, slash, entry.name]);
        bytes += lstatSync(path).blocks * 512;
        if (entry.isDirectory()) folders.push(path);
      }
    }
    return bytes;
  } catch {
    return undefined;
  }
}
