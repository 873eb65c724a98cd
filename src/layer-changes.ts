import type { BigIntStats } from 'node:fs';
import { UserError } from './errors.js';
import { type Folder, openFolder } from './folder.js';
import type { HelperVerbs } from './launch/verbs.js';
import { systemError } from './state/failure.js';

/** `A` added, `a` if it is a folder or an empty file; `C` changed; `D` deleted; `m` a folder of which only the time is another, `c` one that is itself the same. */
export type Kind = 'A' | 'a' | 'C' | 'D' | 'm' | 'c';

export interface LayerChanges {
  /** By path, each byte a character (latin1): two names that are not UTF-8 must not become one. */
  readonly kinds: ReadonlyMap<string, Kind>;
  /** Folders that are not entered. */
  readonly tooDeep: readonly string[];
}

export interface Layers {
  readonly upper: string;
  readonly lower: string;
  /** What the owners in `upper` are larger by. */
  readonly shift: number;
}

/** Folders in each other, each with four descriptors. */
const DEEPEST = 256;
/** Folders that the helper is asked about at once. */
const BATCH = 100;
/** Bytes of one path beside its own. */
const EACH = 64;
/** A container that makes files without end must fill neither the memory nor the time of whoever lists them. */
const LIMITS = { bytes: 256 * 1024 ** 2, seconds: 60 };

/**
 * What an overlay's upper directory changes of the lower one. The upper tree is a container's, which may be at work in it: what is gone
 * or another thing by the time that it is opened is left out. What is mounted in a tree is not part of it.
 * @throws UserError
 */
export function compareLayers(layers: Layers, verbs: Pick<HelperVerbs, 'opaque'>, limits = LIMITS): LayerChanges {
  try {
    return new Comparison(layers.shift, verbs, limits).run(layers);
  } catch (error) {
    throw systemError(`cannot compare ${layers.upper} with ${layers.lower}`, error, 'layers-dir');
  }
}

/** A folder above, and the one below where there is one. */
interface Pair {
  readonly upper: Folder;
  readonly lower: Folder | undefined;
  readonly path: string;
  readonly depth: number;
}

interface Shared extends Pair {
  readonly lower: Folder;
}

class Comparison {
  readonly #shift: bigint;
  readonly #verbs: Pick<HelperVerbs, 'opaque'>;
  readonly #kinds = new Map<string, Kind>();
  readonly #tooDeep: string[] = [];
  readonly #limits: typeof LIMITS;
  readonly #begin = performance.now();
  readonly #open = new Set<Folder>();
  /** Looked through, and kept open until the helper has said which are opaque. */
  readonly #unasked: Shared[] = [];
  #size = 0;

  constructor(shift: number, verbs: Pick<HelperVerbs, 'opaque'>, limits: typeof LIMITS) {
    this.#shift = BigInt(shift);
    this.#verbs = verbs;
    this.#limits = limits;
  }

  run({ upper, lower }: Layers): LayerChanges {
    try {
      // The rootfs may be named by a link.
      this.#compare({ upper: this.#hold(openFolder(upper)), lower: this.#hold(openFolder(`${lower}/.`)), path: '', depth: 1 });
      this.#ask();
      return { kinds: this.#kinds, tooDeep: this.#tooDeep };
    } finally {
      this.#close(...this.#open);
    }
  }

  #compare({ upper, lower, path, depth }: Pair): void {
    for (const name of this.#names(upper)) {
      const above = upper.stat(name);
      if (above === undefined) continue;
      const below = lower?.stat(name);
      const kind = kindOf(above, below, this.#shift);
      const at = `${path}/${name}`;
      if (kind !== undefined) this.#say(at, kind);
      const next = above.isDirectory() ? upper.enter(name) : undefined;
      if (next === undefined) continue;
      this.#hold(next);
      if (depth < DEEPEST)
        this.#goOn({ upper: next, lower: below?.isDirectory() ? lower?.enter(name) : undefined, path: at, depth: depth + 1 });
      else {
        this.#tooDeep.push(at);
        this.#close(next);
      }
    }
  }

  #goOn({ upper, lower, path, depth }: Pair): void {
    if (lower !== undefined) this.#hold(lower);
    this.#compare({ upper, lower, path, depth });
    if (lower === undefined) this.#close(upper);
    else if (this.#unasked.push({ upper, lower, path, depth }) === BATCH) this.#ask();
  }

  /** What an opaque folder hides is deleted. */
  #ask(): void {
    if (this.#unasked.length === 0) return;
    const asked = this.#unasked.splice(0);
    const isOpaque = this.#verbs.opaque(asked.map(({ upper }) => upper.fd));
    for (const [index, shared] of asked.entries()) {
      if (isOpaque[index]) this.#hidden(shared);
      this.#close(shared.upper, shared.lower);
    }
  }

  #hidden({ upper, lower, path, depth }: Shared): void {
    for (const name of this.#names(lower)) {
      const at = `${path}/${name}`;
      const above = upper.stat(name);
      if (above === undefined) this.#say(at, 'D');
      const next = above?.isDirectory() && depth < DEEPEST ? upper.enter(name) : undefined;
      if (next === undefined) continue;
      this.#hold(next);
      const below = lower.enter(name);
      if (below !== undefined) {
        this.#hidden({ upper: next, lower: this.#hold(below), path: at, depth: depth + 1 });
        this.#close(below);
      }
      this.#close(next);
    }
  }

  *#names(folder: Folder): Generator<string> {
    for (const name of folder.names()) {
      if (performance.now() - this.#begin > this.#limits.seconds * 1000)
        throw new UserError(`the layer was not read in ${this.#limits.seconds} seconds: its container may be at work in it`);
      yield name;
    }
  }

  #say(path: string, kind: Kind): void {
    this.#kinds.set(path, kind);
    this.#size += path.length + EACH;
    if (this.#size > this.#limits.bytes) throw new UserError('there are more changes than can be listed');
  }

  #hold(folder: Folder): Folder {
    this.#open.add(folder);
    return folder;
  }

  #close(...folders: readonly Folder[]): void {
    for (const folder of folders) {
      this.#open.delete(folder);
      folder.close();
    }
  }
}

function kindOf(above: BigIntStats, below: BigIntStats | undefined, shift: bigint): Kind | undefined {
  // A whiteout (overlayfs.rst).
  if (above.isCharacterDevice() && above.rdev === 0n) return below && 'D';
  if (below === undefined) return above.isDirectory() || (above.isFile() && above.size === 0n) ? 'a' : 'A';
  const isSame = above.mode === below.mode && above.uid === below.uid + shift && above.gid === below.gid + shift;
  if (!above.isDirectory() || !isSame) return 'C';
  return above.mtimeNs === below.mtimeNs ? 'c' : 'm';
}
