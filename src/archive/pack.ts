import { FRAME, type Frame, FrameReader } from './frames.js';
import { BLOCK } from './tar-header.js';

const TYPES: Readonly<Record<Frame['type'], string>> = {
  [FRAME.file]: '0',
  [FRAME.hardLink]: '1',
  [FRAME.link]: '2',
  [FRAME.directory]: '5',
};
/** Where a field is in a header, and how much fits: bytes of a name, digits of a number. */
const FIELDS = {
  path: [0, 100],
  mode: [100, 7],
  uid: [108, 7],
  gid: [116, 7],
  size: [124, 11],
  mtime: [136, 11],
  link: [157, 100],
} as const;

/**
 * Makes a tar archive of frames: ustar, with a pax header for what does not fit (POSIX, pax(1)). Names are the bytes that they are, which
 * no library for Node can (docs/decisions/cp.md).
 * @throws BrokenFrames
 */
export async function* packTar(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = new FrameReader(source);
  for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
    yield encodeEntry(frame);
    yield* reader.content(frame.size);
    if (frame.size % BLOCK !== 0) yield padding(frame.size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function encodeEntry(frame: Frame): Buffer {
  const path = frame.type === FRAME.directory ? Buffer.concat([frame.path, Buffer.from('/')]) : frame.path;
  const entry = { ...frame, path };
  const records = Buffer.concat([
    ...(['path', 'link'] as const)
      .filter((key) => entry[key].length > FIELDS[key][1])
      .map((key) => record(key === 'link' ? 'linkpath' : key, entry[key])),
    ...(['size', 'uid', 'gid', 'mtime'] as const)
      .filter((key) => !fits(key, entry[key]))
      .map((key) => record(key, Buffer.from(`${entry[key]}`))),
  ]);
  const header = encodeHeader(TYPES[frame.type], entry);
  if (records.length === 0) return header;
  const none = Buffer.alloc(0);
  const extended = { mode: 0o644, uid: 0, gid: 0, mtime: 0, size: records.length, path: Buffer.from('PaxHeader'), link: none };
  return Buffer.concat([encodeHeader('x', extended), records, padding(records.length), header]);
}

function fits(key: 'size' | 'uid' | 'gid' | 'mtime', value: number): boolean {
  return value >= 0 && value < 8 ** FIELDS[key][1];
}

function encodeHeader(type: string, entry: Omit<Frame, 'type'>): Buffer {
  const header = Buffer.alloc(BLOCK);
  for (const key of ['path', 'link'] as const) entry[key].copy(header, FIELDS[key][0], 0, FIELDS[key][1]);
  header.write(octal(entry.mode, FIELDS.mode[1]), FIELDS.mode[0]);
  for (const key of ['uid', 'gid', 'size', 'mtime'] as const)
    header.write(octal(fits(key, entry[key]) ? entry[key] : 0, FIELDS[key][1]), FIELDS[key][0]);
  header.write(`        ${type}`, 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${octal(sum, 6)}\0`, 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A record of a pax header begins with its own length. */
function record(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + 1;
  while (rest + `${length}`.length > length) length++;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}
