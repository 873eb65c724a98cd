import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freeze, isFrozen, thaw, thawToDie } from '../../src/cgroup/freezer.js';
import { openCgroup } from '../../src/cgroup/open.js';
import { UserError } from '../../src/errors.js';
import { probeHost } from '../../src/host/probe.js';
import { removeAfter, scratchName, startInside } from './scratch.js';

const host = probeHost();
const hasFreezer = host.cgroup.mode === 'v2' || host.cgroup.hierarchies.some(({ controllers }) => controllers.includes('freezer'));
const real = host.uid === 0 && hasFreezer ? test : test.skip;

function folder(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'crt-freezer-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}
const read = (path: string): string => readFileSync(path, 'utf8').trim();

real('a process stands still until it is let go', async (t) => {
  const cgroup = openCgroup(host.cgroup, scratchName(), {});
  removeAfter(t, cgroup.create());
  const path = cgroup.paths.find((each) => isFrozen([each]) !== undefined) ?? '';
  t.is(isFrozen(cgroup.paths), false);
  const pid = await startInside(t, `${path}/cgroup.procs`);
  freeze(cgroup.paths, 'box');
  t.is(isFrozen(cgroup.paths), true);
  t.regex(read(`/proc/${pid}/status`), /^State:\t[DS] /m);
  const [file, still] = host.cgroup.mode === 'v2' ? ['cgroup.events', /frozen 1/] : ['freezer.state', /^FROZEN$/];
  t.regex(read(`${path}/${file}`), still as RegExp);
  thaw(cgroup.paths, 'box');
  t.is(isFrozen(cgroup.paths), false);
});

test('who does not stand still in time is let go, and told', (t) => {
  // A file that keeps what was written to it: it never says FROZEN by itself.
  const path = folder(t, { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 0\n' });
  const error = t.throws(() => freeze([path], 'box'), { instanceOf: UserError, message: /a process of box does not stand still/ });
  t.regex(error?.hint ?? '', /crt top box/);
  t.is(read(join(path, 'cgroup.freeze')), '0');
});

test('without a freezer nothing is frozen, and that is told; a cgroup that is gone is neither', (t) => {
  const path = folder(t, { 'cgroup.procs': '' });
  mkdirSync(join(path, 'child'));
  t.is(isFrozen([path]), undefined);
  t.is(isFrozen([join(path, 'nowhere')]), undefined);
  t.throws(() => freeze([path], 'box'), { message: /box has no cgroup that can be frozen/ });
  t.throws(() => thaw([path], 'box'), { message: /box has no cgroup that can be frozen/ });
  t.notThrows(() => thawToDie(path));
  t.notThrows(() => thawToDie(join(path, 'nowhere')));
});
