import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ExecutionContext } from 'ava';
import { END, encodeFrame, FRAME, type Frame, FrameReader } from '../../src/archive/frames.js';
import { packTar } from '../../src/archive/pack.js';
import { ArchiveError } from '../../src/archive/tar-header.js';
import { unpackTar } from '../../src/archive/unpack.js';

export function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/crt-archive-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Entry extends Frame {
  readonly content: string;
}

const none = Buffer.alloc(0);

/** A file, where nothing else is said. */
export function entry(path: string | Buffer, more: Partial<Entry> = {}): Entry {
  const content = more.content ?? '';
  const size = Buffer.byteLength(content, 'latin1');
  return {
    type: FRAME.file,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 1e9,
    link: none,
    size,
    path: Buffer.from(path as string),
    ...more,
    content,
  };
}

export function frames(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap((each) => [encodeFrame(each), Buffer.from(each.content, 'latin1')]), END]);
}

/** In pieces of a size that fits nothing. */
export async function* pieces(bytes: Buffer, size = 777): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function joined(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The archive of these frames. */
export function pack(entries: readonly Entry[]): Promise<Buffer> {
  return joined(packTar(pieces(frames(entries))));
}

/** What frames come of an archive. */
export async function unpack(archive: Buffer, size?: number): Promise<{ entries: Entry[]; leftOut: string[] }> {
  const leftOut: string[] = [];
  const entries: Entry[] = [];
  const reader = new FrameReader(unpackTar(pieces(archive, size), (path) => leftOut.push(path)));
  for (let frame = await reader.next(); frame !== undefined; frame = await reader.next())
    entries.push({ ...frame, content: (await joined(reader.content(frame.size))).toString('latin1') });
  return { entries, leftOut };
}

/** The tar of this machine. */
export function tar(words: readonly string[], input?: Buffer): Buffer {
  return execFileSync('tar', words, { input: input ?? none, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } });
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** How an archive is refused, or `taken`. */
export const code = async (archive: Buffer): Promise<string> =>
  unpack(archive).then(
    () => 'taken',
    (error: unknown) => (error instanceof ArchiveError ? error.code : `${error}`),
  );

/** A header as one wants it, and its content. */
export function raw(name: string, type = '0', content = '', change: (header: Buffer) => void = () => {}): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 'latin1');
  header.write('0000644\x000000000\x000000000\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\x0000000000000\0        ${type}`, 124);
  header.write('ustar\x0000', 257);
  change(header);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes(content.padEnd(Math.ceil(content.length / 512) * 512, '\0'))]);
}

/** Of a pax header: it begins with its own length. */
export const record = (key: string, value: string): string => {
  const rest = key.length + value.length + 3;
  return `${rest + `${rest + 2}`.length} ${key}=${value}\n`;
};
export const ended = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.alloc(1024)]);
