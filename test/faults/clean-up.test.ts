import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { stateRoots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { detached, letter, ownBox, pidsOf, stateOf } from '../e2e/detached.js';
import { crt, folder, readProc } from '../e2e/support.js';
import { holds } from '../in-time.js';
import { faults, LONG, verdict } from './experiment.js';

const roots = stateRoots();

faults('what the monitor starts at the end is killed: the next that looks knows how the container ended', async (t) => {
  for (let round = 0; round < (LONG ? 40 : 4); round++) {
    const name = await detached(t, ['sleep', '1000']);
    const { monitor, init } = pidsOf(name);
    process.kill(init, 'SIGKILL');
    const children = (): number[] => readProc(monitor, `task/${monitor}/children`).split(' ').filter(Boolean).map(Number);
    await holds(
      () => children().some((pid) => readProc(pid, 'cmdline').includes('undo')) || letter(monitor) === undefined,
      'crt undo runs',
    );
    await delay(round * 15);
    for (const pid of children()) process.kill(pid, 'SIGKILL');
    await holds(() => letter(monitor) === undefined, 'the monitor is gone');
    t.is(stateOf(name), 'stopped');
    t.is(read(roots, name)?.exit?.exitCode, 137);
    t.is(verdict(name), undefined);
  }
});

faults('the state folder is full when the container ends: it is told, and rm -f removes all of it', async (t) => {
  const state = await folder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=80k', 'crt-test', state]);
  t.teardown(() => execFileSync('umount', [state]));
  const env = { CRT_STATE_DIR: state };
  const name = ownBox(t);
  t.is((await crt(t, ['run', '-d', name, '-i', '--', 'cat'], { env })).code, 0);
  try {
    writeFileSync(`${state}/.fill`, Buffer.alloc(1 << 20));
  } catch (error) {
    t.regex(String(error), /ENOSPC/);
  }
  await crt(t, ['kill', name], { env });
  t.is((await crt(t, ['wait', name], { env })).code, 0);
  const { stdout } = await crt(t, ['ps', '-a', '--no-trunc'], { env });
  t.regex(stdout, /no space left on device|stopped \(/);
  t.is((await crt(t, ['rm', '-f', name], { env })).code, 0);
  t.deepEqual(
    readdirSync(state).filter((file) => !file.startsWith('.')),
    [],
  );
});
