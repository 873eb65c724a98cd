import { readFileSync } from 'node:fs';
import test from 'ava';
import { NoContainerError } from '../src/errors.js';
import { printable } from '../src/format/printable.js';
import { bootId } from '../src/host/process.js';
import { inspect } from '../src/inspect.js';
import type { ContainerInspection } from '../src/inspection.js';
import { createLayer, layerId } from '../src/layer.js';
import { toHostPath } from '../src/plan/step.js';
import { verify } from '../src/verify/verify.js';
import { box, crt, e2e } from './e2e/support.js';
import { deadProcess, fullRecord, leave, makeRoots, sleeper, take } from './state/_sandbox.js';
import { startBox } from './verify/start.js';

const EXIT = { version: 1, exitCode: 137, signal: 'SIGKILL', reason: 'oom', finished: '2024-01-02T03:04:05.678Z' };

/** What `inspect` of a container in the background has, and one in the foreground has not. */
const RESTART = ['policy', 'retries', 'starts', 'count', 'due', 'error'].map((field) => `restart.${field}`);

/** `state.pid`, `mounts[].target`, `namespaces.*.inode`. */
function pathsOf(value: unknown, path = ''): string[] {
  if (path === 'config' || typeof value !== 'object' || value === null) return [path];
  if (Array.isArray(value)) return typeof value[0] === 'object' ? pathsOf(value[0], `${path}[]`) : [path];
  return Object.entries(value).flatMap(([key, item]) => pathsOf(item, path === '' ? key : `${path}.${path === 'namespaces' ? '*' : key}`));
}

e2e('a running container: every field of the manual is there, and the manual has every field', async (t) => {
  const { name } = await startBox(t, ['--memory', '50', '-v', '/etc/services:/srv/services:ro']);
  const inspection = inspect(name);
  const [, table = ''] = /^## Fields\n(.*?)^## /ms.exec(readFileSync(new URL('../docs/man/crt-inspect.md', import.meta.url), 'utf8')) ?? [];
  const told = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, field = '']) => field);
  const shown = pathsOf(inspection).flatMap((path) => (path === 'restart' ? RESTART : [path]));
  t.deepEqual([...new Set(told)].sort(), [...new Set(shown)].sort());
  t.is(inspection.status, 'running');
  t.true((inspection.state.pid ?? 0) > 1);
  t.true(Math.abs(Date.parse(inspection.state.startedAt ?? '') - Date.now()) < 120_000);
  t.is(inspection.resources?.limits.memory, 52428800);
  t.is(inspection.resources?.limits.pids, 2048);
  t.true((inspection.resources?.usage.memory ?? 0) > 0);
  for (const kind of ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup', 'user'] as const)
    t.true(inspection.namespaces?.[kind]?.isOwn, kind);
  t.like(
    inspection.mounts?.find(({ target }) => target === '/proc'),
    { type: 'proc' },
  );
  t.true(inspection.mounts?.find(({ target }) => target === '/srv/services')?.options.includes('ro'));
  t.is(inspection.users?.uid[0]?.count, 65536);
  t.true((inspection.cgroups.length > 0 && inspection.cgroups.every(({ exists }) => exists)) || inspection.cgroups.length === 0);
  t.true(inspection.processes.owner?.alive && inspection.processes.monitor?.alive);
  t.is(inspection.config?.hostname, name);
  t.is(inspection.state.exitCode, null);
});

e2e('one in the background: its monitor, its log, what is to happen after its end', async (t) => {
  const name = box(t);
  t.is((await crt(t, ['run', '-d', name, '--restart', 'on-failure:3', '--', 'sh', '-c', 'echo hello; exec sleep 600'])).code, 0);
  const inspection = inspect(name);
  t.deepEqual(
    pathsOf(inspection)
      .filter((path) => path.startsWith('restart'))
      .sort(),
    [...RESTART].sort(),
  );
  t.deepEqual(inspection.restart, { policy: 'on-failure', retries: 3, starts: 1, count: 0, due: null, error: null });
  t.true(inspection.processes.monitor?.alive);
  t.is(inspection.paths.log, `${inspection.rootfs?.layer}/log`);
  t.true(verify(name).holds);
  t.is((await crt(t, ['rm', '-f', name])).code, 0);
});

e2e('a kept one that has ended', async (t) => {
  const name = box(t);
  t.is((await crt(t, ['run', name, '--keep', '--', 'sh', '-c', 'exit 3'])).code, 3);
  const inspection = inspect(name);
  t.like(inspection, { status: 'stopped', keep: true, namespaces: null, mounts: null, resources: null });
  t.like(inspection.state, { exitCode: 3, reason: 'exit', pid: null, oomKilled: false });
  t.regex(inspection.rootfs?.upper ?? '', new RegExp(`/${name}\\.[0-9a-f]+/upper$`));
  await crt(t, ['rm', name]);
});

test('the end by the memory limit is told, and when it was', async (t) => {
  const roots = makeRoots(t);
  const kept = fullRecord('old', { keep: true, owner: await deadProcess(t) });
  leave(roots, 'old', { 'state.json': kept, 'exit.json': EXIT, 'cgroup.json': { version: 1, bootId: bootId(), directories: [] } });
  const { state, status, processes } = inspect('old', roots);
  t.is(status, 'stopped');
  t.like(state, { exitCode: 137, signal: 'SIGKILL', reason: 'oom', oomKilled: true, finishedAt: EXIT.finished });
  t.is(processes.owner?.alive, false);
});

test('leftovers and damaged records are shown as they lie, and stay so', async (t) => {
  const roots = makeRoots(t);
  const directory = leave(roots, 'left', { 'state.json': fullRecord('left', { owner: await deadProcess(t) }) });
  leave(roots, 'bad', { 'state.json': '', 'config.json': '{' });
  leave(roots, 'odd name', { 'state.json': 'x' });
  t.is(inspect('left', roots).status, 'leftover');
  t.is(inspect('left', roots).paths.state, directory);
  t.like(inspect('bad', roots), { status: 'corrupt', problem: 'state.json is empty', id: null, command: null, rootfs: null, config: null });
  t.is(inspect('odd name', roots).status, 'corrupt');
});

test('a living one whose config cannot be read says why', async (t) => {
  for (const [text, problem] of [
    ['{', /config.json is not JSON/],
    ['{"root":1}', /config.json is no OCI config/],
    ['', /config.json is not JSON/],
  ] as const) {
    const roots = makeRoots(t);
    take(roots, 'web').writePid((await sleeper(t)).pid);
    leave(roots, 'web', { 'config.json': text });
    const inspection = inspect('web', roots);
    t.regex(inspection.problem ?? '', problem);
    t.is(inspection.status, 'running');
    t.true((inspection.mounts?.length ?? 0) > 0);
    t.is(inspection.namespaces?.pid?.isOwn, false);
  }
});

test('a layer that outlived its record is shown', async (t) => {
  const roots = makeRoots(t);
  const record = fullRecord('kept', { keep: true, owner: await deadProcess(t) });
  const id = layerId('kept');
  createLayer(roots.layers, id, { lowerMode: 0o755, lowerUid: 0, lowerGid: 0 }, { directory: toHostPath(`${roots.state}/kept`), record });
  const inspection = inspect('kept', roots);
  t.like(inspection, { status: 'stopped', id: record.id, keep: true });
  t.is(inspection.rootfs?.layer, `${roots.layers}/${id}`);
});

test('a name that nobody has, or that is no name', (t) => {
  const roots = makeRoots(t);
  for (const name of ['nobody', '', '..', '.hidden', 'a/b', 'a\0b'])
    t.throws(() => inspect(name, roots), { instanceOf: NoContainerError }, name);
});

test('what a terminal acts on leaves as JSON writes it, and is read back as it was', async (t) => {
  const roots = makeRoots(t);
  const command = ['sh', '\x1b]0;title\x07\u009b31m\u202e\u2066\u200b\r\n'];
  leave(roots, 'evil', { 'state.json': fullRecord('evil', { command, rootfs: '\x1b[2J' }) });
  const env = { CRT_STATE_DIR: roots.state, CRT_LAYERS_DIR: roots.layers };
  const { stdout } = await crt(t, ['inspect', 'evil'], { env });
  t.is(stdout.split('\n').map(printable).join('\n'), stdout);
  const [inspection] = JSON.parse(stdout) as ContainerInspection[];
  t.deepEqual(inspection?.command, command);
  const template = await crt(t, ['inspect', '-f', '{{.command}} {{.rootfs.label}} {{json .command}}', 'evil'], { env });
  t.is(template.stdout.split('\n').map(printable).join('\n'), template.stdout);
  t.true(template.stdout.includes('\\x1b]0;title') && template.stdout.includes('\\u009b31m\\u202e'));
  for (const args of [
    ['ps', '-a', '--json'],
    ['ps', '-a'],
    ['ps', '-a', '--format', 'json'],
    ['ps', '-a', '--format', 'table {{.Name}}\\t{{.Command}} {{json .Rootfs}}'],
  ]) {
    // A dead owner's would be undone: this one's lives.
    const shown = (await crt(t, args, { env })).stdout;
    t.true(shown.includes('evil'), args.join(' '));
    t.is(shown.split('\n').map(printable).join('\n'), shown, args.join(' '));
  }
});

test('each name is tried, and what is missing is told on stderr', async (t) => {
  const roots = makeRoots(t);
  take(roots, 'one');
  const env = { CRT_STATE_DIR: roots.state, CRT_LAYERS_DIR: roots.layers };
  const { code, stdout, stderr } = await crt(t, ['inspect', 'none', 'one', 'one'], { env });
  t.is(code, 125);
  t.deepEqual(
    (JSON.parse(stdout) as ContainerInspection[]).map(({ name }) => name),
    ['one'],
  );
  t.regex(stderr, /no container named "none"/);
  const lines = await crt(t, ['inspect', '--format', '{{.name}} {{.status}}', 'one'], { env });
  t.deepEqual([lines.code, lines.stdout], [0, 'one creating\n']);
  const wrong = await crt(t, ['inspect', '-f', '{{.sate}}', 'one'], { env });
  t.is(wrong.code, 125);
  t.regex(wrong.stderr, /did you mean state\?/);
});
