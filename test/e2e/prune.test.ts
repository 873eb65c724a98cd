import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { Shell } from './pty.js';
import { CRT, crt, e2e, ptyTest } from './support.js';

/** A state directory of this test with one kept container, made by the command line. */
async function kept(t: ExecutionContext): Promise<{ name: string; env: NodeJS.ProcessEnv; state: string }> {
  const top = mkdtempSync('/var/tmp/crt-prune-');
  t.teardown(() => rmSync(top, { recursive: true }));
  // The cgroups of the two tests lie side by side.
  const name = `prune-${randomBytes(6).toString('hex')}`;
  const env = { CRT_STATE_DIR: `${top}/state`, CRT_LAYERS_DIR: `${top}/layers` };
  const { code } = await crt(t, ['run', name, '--keep', '--', 'sh', '-c', 'echo kept > /root/file'], { env });
  t.is(code, 0);
  return { name, env, state: env.CRT_STATE_DIR };
}

e2e('without a terminal it removes nothing, with -f it says what it removed', async (t) => {
  const { name, env, state } = await kept(t);
  const asked = await crt(t, ['prune'], { env });
  t.deepEqual([asked.code, asked.stdout], [125, '']);
  t.regex(asked.stderr, /nobody can be asked: this is no terminal\n {5}without asking: .*crt prune -f/);
  t.true(existsSync(`${state}/${name}`));
  const spared = await crt(t, ['prune', '-f', '--filter', 'until=1h'], { env });
  t.deepEqual([spared.code, spared.stdout], [0, 'reclaimed 0 B\n']);
  const done = await crt(t, ['prune', '-f', '--json'], { env });
  t.is(done.code, 0);
  const { removed, failed, reclaimed } = JSON.parse(done.stdout) as {
    removed: { kind: string; name: string; bytes: number }[];
    failed: [];
    reclaimed: number;
  };
  t.deepEqual([removed.length, failed], [1, []]);
  t.like(removed[0], { kind: 'stopped', name, bytes: reclaimed });
  t.true(reclaimed > 0);
  t.false(existsSync(`${state}/${name}`));
});

ptyTest('at a terminal it says what goes, and only yes is a yes', async (t) => {
  const { name, env, state } = await kept(t);
  const shell = new Shell(t);
  const words = CRT.map((word) => `'${word}'`).join(' ');
  const line = `CRT_STATE_DIR=${env['CRT_STATE_DIR']} CRT_LAYERS_DIR=${env['CRT_LAYERS_DIR']} ${words} prune; echo "code $?"\n`;
  for (const answer of ['\n', 'n\n', 'yess\n', '\x04']) {
    shell.type(line);
    await shell.see(new RegExp(`stopped container ${name} \\(\\d+ KiB\\)[^]*\\[y/N\\] `));
    shell.type(answer);
    await shell.see(/code 1\r/);
    t.true(existsSync(`${state}/${name}`));
  }
  shell.type(line);
  await shell.see(/\[y\/N\] /);
  shell.type('y\n');
  await shell.see(new RegExp(`removed stopped container ${name}[^]*reclaimed \\d+ KiB\\r[^]*code 0\\r`));
  t.false(existsSync(`${state}/${name}`));
});
