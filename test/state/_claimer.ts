/* A child process of the claim tests: ROLE STATE LAYERS NAME, told what to do by lines on stdin, answering on stdout. */
import { readlinkSync, readSync, symlinkSync, unlinkSync } from 'node:fs';
import { isAlive } from '../../src/host/process.js';
import { toHostPath } from '../../src/plan/step.js';
import { type Claim, claim } from '../../src/state/claim.js';
import { ownIdentity, withUndoLock } from '../../src/state/lock.js';
import type { Roots } from '../../src/state/roots.js';
import { read } from '../../src/state/store.js';
import { undo } from '../../src/undo.js';

const [role = '', state = '', layers = '', name = ''] = process.argv.slice(2);
const roots: Roots = { state: toHostPath(state), layers: toHostPath(layers) };
const verbs = { kill: () => {}, signal: () => {}, opaque: () => [] };
const say = (word: string): boolean => process.stdout.write(`${word}\n`);

function take(): Claim | undefined {
  const created = new Date().toISOString();
  const record = {
    version: 1 as const,
    name,
    owner: ownIdentity(),
    created,
    rootfs: '/',
    rootfsKind: 'directory',
    command: ['sh'],
    cgroupPaths: [],
    keep: false,
    loosened: [],
  };
  try {
    return claim(record, { roots, repair: (directory) => void undo(directory, { roots, verbs }) });
  } catch (error) {
    if (error instanceof Error && /^the name \S+ is taken by/.test(error.message)) return undefined;
    throw error;
  }
}

function waitForLine(): void {
  if (readSync(0, Buffer.alloc(1)) === 0) process.exit(0);
}

/** Takes the name once and holds it until stdin ends. */
function once(): void {
  say('ready');
  waitForLine();
  say(take() === undefined ? 'taken' : 'won');
  waitForLine();
}

/** No kernel gives a process this number: PID_MAX_LIMIT. */
const NOBODY = 2 ** 22;

/** Takes the name and gives it back, again and again; nobody else may touch the folder in between. */
function loop(): void {
  say('ready');
  for (let rounds = 0; rounds < 200; rounds++) {
    const held = take();
    if (held === undefined) continue;
    held.writeCgroups([]);
    held.writePid(NOBODY);
    for (let look = 0; look < 3; look++) {
      const entry = read(roots, name);
      if (entry?.record?.id !== held.record.id || entry.init?.pid !== NOBODY) throw new Error('the folder changed while it was held');
    }
    held.writeExit({ exitCode: 0, signal: null, reason: 'exit', finished: new Date().toISOString(), oomKills: 0, start: 1 });
    const { outcome } = undo(held.directory, { roots, verbs }, { claim: held.record.id });
    if (outcome !== 'undone') throw new Error(`the owner's undo said ${outcome}`);
    say('held');
  }
}

/** Undoes orphans of that name, as `ps` does, until it is killed. */
function repair(): void {
  say('ready');
  for (;;) undo(toHostPath(`${state}/${name}`), { roots, verbs });
}

/** Holds the lock of the folder again and again, and makes sure that no other living process does. */
function lock(): void {
  const inside = `${state}/${name}/inside`;
  say('ready');
  for (let rounds = 0; rounds < 150; rounds++) {
    withUndoLock(
      toHostPath(`${state}/${name}`),
      () => {
        enter(inside);
        if (rounds % 5 === 0) say('held');
        unlinkSync(inside);
      },
      60_000,
    );
  }
}

function enter(inside: string): void {
  const { pid, startTime, bootId } = ownIdentity();
  for (;;) {
    try {
      // Whole at once: who dies here leaves either nothing or its own name.
      symlinkSync(`${pid} ${startTime} ${bootId}`, inside);
      return;
    } catch {
      const [other, ticks, boot = ''] = readlinkSync(inside).split(' ');
      if (isAlive({ pid: Number(other), startTime: Number(ticks), bootId: boot })) throw new Error('two are inside');
      unlinkSync(inside);
    }
  }
}

if (role === 'once') once();
else if (role === 'loop') loop();
else if (role === 'lock') lock();
else repair();
