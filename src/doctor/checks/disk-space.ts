import { statfsSync } from 'node:fs';
import { shellWord } from '../../format/shell-word.js';
import { hostRootfs } from '../../host-rootfs.js';
import type { HostPath } from '../../plan/step.js';
import type { Check, Context, Finding } from '../check.js';
import { eachOf } from '../finding.js';
import { isThere, standing } from '../scratch.js';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Bytes and inodes. */
interface Room {
  readonly bytes: number;
  readonly inodes: number;
}

/** One file system that a start writes to. `least`: below it no container starts. `ample`: below it one soon runs out. */
interface Place {
  readonly path: HostPath;
  readonly variable: string;
  readonly least: Room;
  readonly ample: Room;
  readonly what: string;
}

/** What a start writes there, measured: a folder, its lock, its socket, and five small files; the plan takes four blocks, config and record one or two each. */
const STATE: Pick<Place, 'least' | 'ample'> = {
  least: { bytes: 36 * KIB, inodes: 8 },
  // A hundred containers at once.
  ample: { bytes: 4 * MIB, inodes: 1000 },
};
/** Folder, owner, upper, work and what overlay makes in it, claims of user ids. */
const LAYERS: Pick<Place, 'least' | 'ample'> = {
  least: { bytes: 16 * KIB, inodes: 8 },
  // What installing a compiler with apt writes: some 300 MB in 10 000 files.
  ample: { bytes: 512 * MIB, inodes: 20_000 },
};

export const diskSpace: Check = {
  id: 'disk-space',
  group: 'storage',
  title: 'room on the disk',
  proves:
    'The file systems of the state directory and of the layers directory are asked for free bytes and free inodes (statfs(2)). A start takes 36 KiB and 8 inodes in the one, 16 KiB and 8 in the other: with less it fails. Below 4 MiB and 1000 inodes there, or 512 MiB and 20 000 inodes for layers, containers soon run out: installing a compiler inside writes as much.',
  why: 'A layer grows with what a container writes, and unless --storage-size is given nothing but the disk limits it.',
  repair:
    'Free some: `df -h`, `df -i` and `du -x` show where it went, `crt ps -a` and `crt rm` take kept layers away. Or put CRT_LAYERS_DIR on a larger disk.',
  needsRoot: true,
  run: (context) => eachOf(places(context), 'disk-space', look),
};

function places({ roots }: Context): readonly Place[] {
  const host = hostRootfs(roots);
  const skeleton = isThere(host.directory) ? 0 : host.entries.length + 1;
  const least = { bytes: LAYERS.least.bytes, inodes: LAYERS.least.inodes + skeleton };
  return [
    { path: roots.state, variable: 'CRT_STATE_DIR', what: 'state', ...STATE },
    { path: roots.layers, variable: 'CRT_LAYERS_DIR', what: 'layers', ...LAYERS, least },
  ];
}

function look({ path, variable, least, ample, what }: Place): Finding {
  const { bavail, bfree, blocks, bsize, ffree, files } = statfsSync(standing(path));
  // No inodes at all: they are made as they are needed (btrfs).
  // No blocks at all: nobody counts them (ramfs).
  const bytesOf = (count: number): number => (blocks === 0 ? Number.POSITIVE_INFINITY : count * bsize);
  const free: Room = { bytes: bytesOf(bavail), inodes: files === 0 ? Number.POSITIVE_INFINITY : ffree };
  const observed = `${describe(free)} free for ${what}: at ${path}`;
  if (hasRoom(free, ample)) return { verdict: 'pass', observed };
  const place = shellWord(standing(path));
  const fix = {
    advice: `free some (df -h ${place}; df -i ${place}; crt ps -a), or set ${variable} to a directory on another disk`,
  };
  // A start is root's, who may use what is reserved; a container in a user namespace may not.
  if (!hasRoom({ ...free, bytes: bytesOf(bfree) }, least))
    return { verdict: 'fail', observed, expected: `at least ${describe(least)}`, cost: 'no container can be started', fix };
  return { verdict: 'warn', observed, expected: describe(ample), cost: 'containers soon run out of room', fix };
}

function hasRoom(free: Room, wanted: Room): boolean {
  return free.bytes >= wanted.bytes && free.inodes >= wanted.inodes;
}

function describe({ bytes, inodes }: Room): string {
  const [unit, name] = bytes >= 10 * GIB ? [GIB, 'GiB'] : bytes >= MIB ? [MIB, 'MiB'] : [KIB, 'KiB'];
  const room = Number.isFinite(bytes) ? `${Math.floor(bytes / unit)} ${name}` : 'all that memory has';
  return Number.isFinite(inodes) ? `${room} and ${inodes} inodes` : room;
}
