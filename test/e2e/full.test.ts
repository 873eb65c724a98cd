import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { box, crt, type Ended, e2e, folder, serial } from './support.js';

const FULL = /^crt: cannot write to stdout: no space left on device\n$/m;

/** Runs crt with this file as its stdout. */
async function into(t: ExecutionContext, path: string, args: readonly string[]): Promise<Ended> {
  const fd = openSync(path, 'w');
  try {
    return await crt(t, args, { stdio: ['pipe', fd, 'pipe'] });
  } finally {
    closeSync(fd);
  }
}

/** A small tmpfs of this test. */
async function small(t: ExecutionContext, options: string): Promise<string> {
  const path = await folder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', path]);
  t.teardown(() => execFileSync('umount', [path]));
  return path;
}

/** What stands in a state directory, but for the journal: it stays. */
function standing(path: string): string[] {
  return readdirSync(path).filter((name) => name !== '.events');
}

e2e('a full stdout is said in one line, and ends the container', async (t) => {
  const { code, stderr } = await into(t, '/dev/full', ['run', box(t), '--', 'sh', '-c', 'echo hi; sleep 1000']);
  t.is(code, 125);
  t.regex(stderr, FULL);
  t.notRegex(stderr, /Error|node:/);
});

serial('so is one that fills up: what had room is there', async (t) => {
  const path = await small(t, 'size=64k');
  const { code, stderr } = await into(t, `${path}/out`, ['run', box(t), '--', 'head', '-c', '100000', '/dev/zero']);
  t.is(code, 125);
  t.regex(stderr, FULL);
  t.is(statSync(`${path}/out`).size, 65536);
});

for (const args of [['ps'], ['ps', '--json'], ['--help'], ['run', '--help'], ['--version']]) {
  e2e(`crt ${args.join(' ')} into a full stdout`, async (t) => {
    const { code, stderr } = await into(t, '/dev/full', args);
    t.is(code, 125);
    t.regex(stderr, /^crt: cannot write to stdout: no space left on device\n$/);
  });
}

for (const [inodes, file] of [
  [3, 'w'],
  [4, 'cgroup.json'],
  // From here on the helper's socket takes its inode beside them.
  [5, '(cgroup|config).json'],
  [6, '(config.json|plan)'],
  [7, '(plan|pid)'],
  [8, 'pid'],
] as const) {
  serial(`a state folder on a file system of ${inodes} inodes: the first error is named, nothing is left`, async (t) => {
    const path = await small(t, `size=64k,nr_inodes=${inodes}`);
    const name = box(t);
    const { code, stderr } = await crt(t, ['run', name, '--', 'true'], { env: { CRT_STATE_DIR: path } });
    t.is(code, 125);
    t.regex(stderr, new RegExp(`cannot write ${path}/${name}${file === 'w' ? '' : `/${file}`}: the disk is full, or out of inodes`));
    t.notRegex(stderr, /clean up/);
    t.deepEqual(standing(path), []);
  });
}

serial('of nine inodes: it runs, and is undone with what is left', async (t) => {
  const path = await small(t, 'size=64k,nr_inodes=9');
  const { code, stdout } = await crt(t, ['run', box(t), '--', 'echo', 'ran'], { env: { CRT_STATE_DIR: path } });
  t.deepEqual([code, stdout, standing(path)], [0, 'ran\n', []]);
});
