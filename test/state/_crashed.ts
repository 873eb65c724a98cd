import { existsSync, rmdirSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { CgroupDirectory } from '../../src/cgroup/driver.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { probeHost } from '../../src/host/probe.js';
import { bootId, type ProcessIdentity } from '../../src/host/process.js';
import { createLayer, layerId } from '../../src/layer.js';
import { type HostPath, toHostPath } from '../../src/plan/step.js';
import { randomName } from '../../src/state/file.js';
import type { ContainerRecord } from '../../src/state/record.js';
import type { Roots } from '../../src/state/roots.js';
import { exited } from '../in-time.js';
import { deadProcess, fullRecord, leave, makeRoots, plain, sleeper } from './_sandbox.js';

/** A real cgroup of a name that nobody else has, removed after the test. */
export function realCgroup(t: ExecutionContext, name: string): readonly CgroupDirectory[] {
  const made = openCgroup(probeHost().cgroup, name, { pids: { limit: 100 } }).create();
  t.teardown(() => {
    for (const { path } of [...made].reverse()) if (existsSync(path)) rmdirSync(path);
  });
  return made;
}

/** A process in these cgroups. */
export async function member(
  t: ExecutionContext,
  directories: readonly CgroupDirectory[],
): Promise<ProcessIdentity & { gone: Promise<unknown> }> {
  const { child, ...identity } = await sleeper(t);
  for (const { path } of directories) writeFileSync(`${path}/cgroup.procs`, String(identity.pid));
  return {
    ...identity,
    get gone() {
      return exited(child);
    },
  };
}

export function makeLayer(roots: Roots, record: ContainerRecord): HostPath {
  const { layer } = record;
  if (layer === undefined) throw new Error('no layer');
  const made = createLayer(
    roots.layers,
    layer.slice(roots.layers.length + 1),
    { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 },
    { directory: toHostPath(`${roots.state}/${record.name}`), record },
  );
  writeFileSync(`${made.upper}/file`, 'x');
  return made.directory;
}

export interface Crashed {
  readonly roots: Roots;
  readonly directory: HostPath;
  readonly record: ContainerRecord;
  readonly cgroups: readonly CgroupDirectory[];
  readonly init: Awaited<ReturnType<typeof member>>;
  readonly layer: HostPath;
}

/** A container in full swing whose supervisor is dead. */
export async function crashed(t: ExecutionContext, more: Partial<ContainerRecord> = {}): Promise<Crashed> {
  const roots = makeRoots(t);
  const name = `crt-test-${randomName()}`;
  const cgroups = realCgroup(t, name);
  const init = await member(t, cgroups);
  const layerPath = toHostPath(`${roots.layers}/${layerId(name)}`);
  const record = fullRecord(name, { owner: await deadProcess(t), layer: layerPath, cgroupPaths: cgroups.map(({ path }) => path), ...more });
  const layer = makeLayer(roots, record);
  const files = {
    'state.json': record,
    'cgroup.json': { version: 1, bootId: bootId(), directories: cgroups },
    pid: { version: 1, ...plain(init) },
  };
  return { roots, directory: leave(roots, name, files), record, cgroups, init, layer };
}
