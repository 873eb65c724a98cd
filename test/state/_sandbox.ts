import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ExecutionContext } from 'ava';
import { bootId, type ProcessIdentity, startTime } from '../../src/host/process.js';
import type { HelperVerbs } from '../../src/launch/verbs.js';
import { type HostPath, toHostPath } from '../../src/plan/step.js';
import { type Claim, claim, type NewRecord } from '../../src/state/claim.js';
import { randomName } from '../../src/state/file.js';
import { ownIdentity } from '../../src/state/lock.js';
import type { ContainerRecord } from '../../src/state/record.js';
import type { Roots } from '../../src/state/roots.js';
import { undo } from '../../src/undo.js';
import { exited } from '../in-time.js';

export const OTHER_BOOT = '11111111-2222-3333-4444-555555555555';

/** Roots of one test, removed after it. */
export function makeRoots(t: ExecutionContext): Roots {
  const folder = mkdtempSync(`${tmpdir()}/crt-state-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return { state: toHostPath(`${folder}/state`), layers: toHostPath(`${folder}/layers`) };
}

/** Verbs that note what they were asked for, and do nothing. */
export function noteVerbs(): HelperVerbs & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    kill: (procs) => void calls.push(`kill ${procs.join(' ')}`),
    signal: (pid, _start, signal) => void calls.push(`signal ${pid} ${signal}`),
    opaque: (folders) => {
      calls.push(`opaque ${folders.length}`);
      return [];
    },
  };
}

export function newRecord(name: string, more: Partial<NewRecord> = {}): NewRecord {
  return {
    version: 1,
    name,
    owner: ownIdentity(),
    created: new Date().toISOString(),
    rootfs: '/srv/rootfs',
    rootfsKind: 'directory',
    command: ['/bin/sh'],
    cgroupPaths: [],
    keep: false,
    loosened: [],
    ...more,
  };
}

/** Takes a name as `run` does. */
export function take(roots: Roots, name: string, more: Partial<NewRecord> = {}, verbs: HelperVerbs = noteVerbs()): Claim {
  return claim(newRecord(name, more), { roots, repair: (directory) => void undo(directory, { roots, verbs }) });
}

/** A state folder as a crash may have left it: written directly, any file may be missing. */
export function leave(roots: Roots, name: string, files: Readonly<Record<string, unknown>>): HostPath {
  const directory = toHostPath(`${roots.state}/${name}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [file, content] of Object.entries(files))
    writeFileSync(`${directory}/${file}`, typeof content === 'string' ? content : JSON.stringify(content));
  return directory;
}

export function fullRecord(name: string, more: Partial<ContainerRecord> = {}): ContainerRecord {
  return { id: randomName(), start: 1, ...newRecord(name), ...more };
}

/** A real process that lives until the end of the test. */
export async function sleeper(t: ExecutionContext): Promise<ProcessIdentity & { readonly child: ChildProcess }> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return { pid, startTime: startTime(pid) ?? 0, bootId: bootId(), child };
}

/** A process that did live, and is dead and reaped. */
export async function deadProcess(t: ExecutionContext): Promise<ProcessIdentity> {
  const { child, ...identity } = await sleeper(t);
  child.kill('SIGKILL');
  await exited(child);
  return identity;
}

/** Only what a JSON file of the state may hold of an identity. */
export function plain({ pid, startTime: ticks, bootId: boot }: ProcessIdentity): ProcessIdentity {
  return { pid, startTime: ticks, bootId: boot };
}

/** What stands in a folder, hidden names too, but for the journal: it stays. */
export function names(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name !== '.events')
    .sort();
}
