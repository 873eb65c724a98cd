import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';
import { folder } from './support.js';

const PROGRAMS = ['sh', 'cat', 'ls', 'mkdir', 'touch', 'readlink', 'id'];

/** A root file system that is a test's own to bend: a shell, a few programs of this machine and what they are linked with. */
export async function smallRootfs(t: ExecutionContext): Promise<string> {
  const root = await folder(t);
  for (const path of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'root']) mkdirSync(`${root}/${path}`, { mode: 0o755 });
  for (const program of PROGRAMS) install(root, program);
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(`${root}/etc/group`, 'root:x:0:\n');
  return root;
}

function install(root: string, program: string): void {
  const path = ['/bin', '/usr/bin'].map((directory) => `${directory}/${program}`).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`this machine has no ${program}`);
  copyFileSync(realpathSync(path), `${root}/bin/${program}`);
  // `/lib/…` with or without an arrow before it: libraries and the loader.
  for (const [library] of execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/\/[^\s]+(?= \(0x)/g)) {
    mkdirSync(`${root}${dirname(library)}`, { recursive: true });
    copyFileSync(library, `${root}${library}`);
  }
}

/** Every entry of a tree with what a write would change: equal when nothing was written. */
export function listTree(root: string): string[] {
  const paths = ['', ...(readdirSync(root, { recursive: true }) as string[])];
  return paths.sort().map((path) => {
    const { mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(`${root}/${path}`);
    return [path, mode, uid, gid, size, mtimeMs, ctimeMs].join(' ');
  });
}
