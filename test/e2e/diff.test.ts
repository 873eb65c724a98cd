import { existsSync, mkdirSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type Change, diff, NoContainerError, type RunOptions, remove, run, type UserError } from '../../src/index.js';
import { exited, until } from '../in-time.js';
import { box, contain, crt, e2e, folder, ROOTFS, startCrt } from './support.js';

/** The changes of a kept container that has run this script, `KIND PATH` each. */
async function changesOf(t: ExecutionContext, script: string, options: Partial<RunOptions> = {}): Promise<string[]> {
  const name = box(t);
  await run({ name, rootfs: ROOTFS, keep: true, command: ['sh', '-c', script], ...options });
  try {
    return lines(diff(name).changes);
  } finally {
    remove(name);
  }
}

function lines(changes: readonly Change[]): string[] {
  return changes.map(({ kind, path }) => `${kind} ${path}`);
}

for (const userns of ['auto', 'host'] as const) {
  const options: Partial<RunOptions> = { userns };

  e2e(`a container that changed nothing has no changes (userns ${userns})`, async (t) => {
    t.deepEqual(await changesOf(t, 'true', options), []);
  });

  e2e(`nor what crt made to mount on and to start in (userns ${userns})`, async (t) => {
    const shared = await folder(t);
    mkdirSync(`${shared}/data`);
    const mounts = [
      { type: 'bind' as const, source: `${shared}/data`, target: '/made/here' },
      { type: 'tmpfs' as const, target: '/t' },
    ];
    t.deepEqual(await changesOf(t, 'true', { ...options, mounts, cwd: '/work/dir' }), []);
  });

  e2e(`added, changed and deleted, in the order of their paths (userns ${userns})`, async (t) => {
    const script = `mkdir -p /new/sub && echo x > /new/sub/f && ln -s /etc /new/link && echo x >> /etc/hostname2 && rm /etc/issue && chmod 700 /opt`;
    const changes = await changesOf(t, `touch /etc/issue; ${script}`, options);
    // The host rootfs has no /etc/issue: made and removed again, there is nothing to tell of.
    const isThere = changes.includes('D /etc/issue');
    const etc = ['C /etc', 'A /etc/hostname2', ...(isThere ? ['D /etc/issue'] : [])];
    const opt = changes.includes('C /opt') ? ['C /opt'] : [];
    t.deepEqual(changes, [...etc, 'A /new', 'A /new/link', 'A /new/sub', 'A /new/sub/f', ...opt]);
  });

  e2e(`a folder that was replaced hides what the root file system has there (userns ${userns})`, async (t) => {
    const changes = await changesOf(t, 'ls /etc/skel >/dev/null && rm -r /etc/skel && mkdir /etc/skel && echo x > /etc/skel/mine', options);
    if (ROOTFS === 'host') return t.pass();
    t.deepEqual(
      changes.filter((line) => !line.includes('/.')),
      ['C /etc', 'C /etc/skel', 'A /etc/skel/mine'],
    );
    t.true(changes.includes('D /etc/skel/.bashrc'), changes.join());
  });
}

e2e('while it runs, and printed so that no name steers the terminal', async (t) => {
  const name = box(t);
  const container = startCrt(t, ['run', name, '--', 'sh', '-c', `printf x > "/tmp/$(printf '\\033[31m')"; echo ready; cat`]);
  await until(container.stdout, 'ready');
  const text = await crt(t, ['diff', name]);
  t.deepEqual([text.code, text.stdout.split('\n').filter((line) => line.startsWith('A'))], [0, ['A /tmp/\\x1b[31m']]);
  const json = await crt(t, ['diff', name, '--json']);
  t.true((JSON.parse(json.stdout) as Change[]).some(({ kind, path }) => kind === 'A' && path === '/tmp/\x1b[31m'));
  container.stdin?.end();
  await exited(container);
});

e2e('a container that changes its tree all the time is walked without leaving it', async (t) => {
  const name = box(t);
  const script = `mkdir -p /a/b/c /z; echo ready
    while :; do mv /a/b /z/b; ln -s / /a/b; rm /a/b; mkdir -p /z/b/c/d; mv /z/b /a/b; rm -rf /a/b/c; ln -s /proc/1/root /a/b/c; rm /a/b/c; done 2>/dev/null`;
  const container = startCrt(t, ['run', name, '--', 'sh', '-c', script]);
  await until(container.stdout, 'ready');
  for (let round = 0; round < 50; round++) {
    for (const line of lines(diff(name).changes)) t.regex(line, /^[ACD] \/(a|z)(\/b(\/c(\/d)?)?)?$/);
  }
  remove(name, { force: true });
  await exited(container);
});

e2e('where there is no layer it is said why', async (t) => {
  const name = box(t);
  const asked: unknown[] = [];
  await contain(t, { name, command: ['true'], storageSize: 8 << 20, onStart: () => void asked.push(t.throws(() => diff(name))) });
  t.regex((asked[0] as UserError).message, /has its writable layer in memory/);
  t.throws(() => diff(name), { instanceOf: NoContainerError });
  const { code, stderr } = await crt(t, ['diff', name]);
  t.deepEqual([code, stderr], [125, `crt: there is no container named "${name}"\n     crt ps -a\n`]);
  t.false(existsSync(`/run/crt/${name}`));
});
