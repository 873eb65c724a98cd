import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { ended, folder, host, serial, startCrt } from '../e2e/support.js';
import { whole } from './broken.js';

/** What stands here of a doctor with this pid. */
function traces(pid: number | undefined, roots: readonly string[]): string[] {
  const { hierarchies, unified } = host.cgroup;
  const tops = [...hierarchies.map(({ mountpoint }) => mountpoint), ...(unified ? [`${unified.mountpoint}/crt`] : []), ...roots];
  const isOf = new RegExp(`^\\.?crt-doctor-${pid}-|^\\.crt-doctor\\.${pid}-`);
  return tops.flatMap((top) => (existsSync(top) ? readdirSync(top) : []).filter((name) => isOf.test(name)).map((name) => `${top}/${name}`));
}

/** Ends a doctor once it has made something. Roots that are not there yet: it makes folders in what would hold them. */
async function end(
  t: ExecutionContext,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; left: () => string[]; env: NodeJS.ProcessEnv }> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const path = await folder(t);
    const env = { CRT_STATE_DIR: `${path}/state`, CRT_LAYERS_DIR: `${path}/layers` };
    const child = startCrt(t, ['doctor'], { env });
    const left = (): string[] => traces(child.pid, [path, env.CRT_STATE_DIR, env.CRT_LAYERS_DIR]);
    while (child.exitCode === null && child.signalCode === null && left().length === 0) await setTimeout(1);
    child.kill(signal);
    const { code, signal: by, stdout } = await ended(child);
    // It was through before we looked.
    if (by === null && stdout !== '') continue;
    return { code, left, env };
  }
  throw new Error('each doctor was through before anything of it was seen');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  serial(`${signal}: nothing is left, and no report is made up`, async (t) => {
    const { code, left } = await end(t, signal);
    t.is(code, 128 + constants.signals[signal]);
    t.deepEqual(left(), []);
  });
}

serial('killed: the next one takes away what is left', async (t) => {
  const { code, left, env } = await end(t, 'SIGKILL');
  t.is(code, null);
  await whole.ask({ only: ['node'], env });
  t.deepEqual(left(), []);
});
