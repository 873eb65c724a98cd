import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { Finding } from '../../src/doctor/check.js';
import { ownIdentity } from '../../src/state/lock.js';
import { box, CRT, cgroupsOf, descendants, e2e, ended, folder, host, readProc, startCrt } from '../e2e/support.js';
import { exited, holds, until } from '../in-time.js';
import { deadProcess } from '../state/_sandbox.js';
import { look as lookIn, startIn } from './around.js';
import { broken, type Question, whole } from './broken.js';
import { saying } from './report.js';
import { crtDoctor } from './support.js';

const only = ['leftovers'];

interface Place {
  readonly state: string;
  readonly layers: string;
  readonly question: Question;
}

/** Directories of this test alone: others leave things in the usual ones. */
async function ownRoots(t: ExecutionContext): Promise<Place> {
  const path = await folder(t);
  const [state, layers] = [`${path}/state`, `${path}/layers`];
  for (const root of [state, layers]) mkdirSync(root, { mode: 0o700 });
  return { state, layers, question: { only, env: { CRT_STATE_DIR: state, CRT_LAYERS_DIR: layers } } };
}

/** Cgroups and processes are everybody's: what other tests have left is no matter of this one. */
async function look({ question, state, layers }: Place, words: RegExp, world = whole): Promise<{ all: Finding[]; these: Finding[] }> {
  const report = await world.ask(question);
  const these = saying(report, 'leftovers', words).filter(({ verdict }) => verdict === 'warn');
  return { all: [...new Set([...these, ...saying(report, 'leftovers', new RegExp(`${state}|${layers}`))])], these };
}

function commands(findings: readonly Finding[]): string {
  return findings.flatMap(({ fix }) => fix?.commands ?? []).join('\n');
}

/** Sees this one thing, that looking does not take it away, that the fix does, and that nothing is left then. */
async function repaired(t: ExecutionContext, place: Place, words: RegExp, world = whole): Promise<void> {
  const { question, state, layers } = place;
  t.is((await look(place, words, world)).these.length, 1);
  const { all, these } = await look(place, words, world);
  t.is(these.length, 1);
  await world.sh(commands(all), question.env);
  t.deepEqual((await look(place, words, world)).all, []);
  // The journal of all containers stays.
  const isLasting = (name: string): boolean => name.startsWith('.host-') || ['.ids', '.events'].includes(name);
  const kept = [...readdirSync(state), ...readdirSync(layers)].filter((name) => !isLasting(name));
  t.deepEqual(kept, []);
}

/** A container that runs: its supervisor and its monitor. */
async function running(t: ExecutionContext, name: string, { question }: Place): Promise<{ kill(): Promise<void>; stop(): number }> {
  const child = startCrt(t, ['run', name, '--', 'sh', '-c', 'echo up; sleep 1000'], question.env ? { env: question.env } : {});
  await until(child.stdout, 'up');
  const [monitor] = descendants('crt-init', child.pid).filter((pid) => isChild(pid, child.pid));
  if (monitor === undefined) throw new Error('no monitor');
  return {
    kill: async () => {
      // Stopped first, or it would clear up between the two.
      process.kill(monitor, 'SIGSTOP');
      child.kill('SIGKILL');
      await exited(child);
      process.kill(monitor, 'SIGKILL');
    },
    stop: () => {
      process.kill(monitor, 'SIGSTOP');
      child.kill('SIGKILL');
      return monitor;
    },
  };
}

function isChild(pid: number, parent: number | undefined): boolean {
  return Number(/\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1]) === parent;
}

e2e('nothing is left over, and a living container is none', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  t.deepEqual((await look(place, new RegExp(name))).all, []);
  const container = await running(t, name, place);
  t.deepEqual((await look(place, new RegExp(name))).all, []);
  await container.kill();
  await repaired(t, place, new RegExp(`^the supervisor of ${name} `));
});

e2e('supervisor and monitor killed', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  await (await running(t, name, place)).kill();
  await repaired(t, place, new RegExp(`^the supervisor of ${name} \\(process \\d+\\) is gone`));
});

e2e('a monitor that does not end', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  const monitor = (await running(t, name, place)).stop();
  const words = new RegExp(`^the monitor with pid ${monitor} \\(crt-init run\\) has lost its supervisor|^the supervisor of ${name} `);
  const { these } = await look(place, words);
  t.is(these.length, 2, JSON.stringify(these));
  await whole.sh(commands(these), place.question.env);
  t.deepEqual((await look(place, words)).all, []);
});

e2e('the state folder gone as well: layer and cgroup', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  await (await running(t, name, place)).kill();
  rmSync(`${place.state}/${name}`, { recursive: true });
  const cgroups = cgroupsOf(name);
  t.true(cgroups.length > 0);
  const { all, these } = await look(place, new RegExp(`${name} belongs to no container|is left of ${name}$`));
  t.is(these.length, cgroups.length + 1, JSON.stringify(these));
  await whole.sh(commands(all), place.question.env);
  t.deepEqual([(await look(place, new RegExp(name))).all, cgroupsOf(name)], [[], []]);
});

e2e('a damaged state folder', async (t) => {
  const place = await ownRoots(t);
  mkdirSync(`${place.state}/damaged`);
  writeFileSync(`${place.state}/damaged/state.json`, '');
  await repaired(t, place, /state\/damaged is damaged: state\.json is empty$/);
});

e2e('a damaged one with a name that a shell would take apart', async (t) => {
  const place = await ownRoots(t);
  mkdirSync(`${place.state}/a; touch $HOME '"`);
  await repaired(t, place, /is damaged: state\.json is missing$/);
});

e2e('the fix calls crt by the word by which it was called; the second name may be gone by the first', async (t) => {
  const place = await ownRoots(t);
  for (const name of ['-x', 'y']) mkdirSync(`${place.state}/${name}`);
  const { stdout } = crtDoctor(['leftovers', '--fix-script'], { env: place.question.env ?? {} });
  const lines = stdout.split('\n').filter((line) => line.includes(place.state) && !line.startsWith('#'));
  t.is(lines.length, 2, stdout);
  for (const line of lines) t.regex(line, / \S*\/bin\/run\.js rm -f -- (-x|y)$/);
  for (const line of [...lines, ...lines]) t.is(spawnSync('dash', ['-ec', line], { encoding: 'utf8', cwd: process.cwd() }).status, 0, line);
  t.deepEqual(
    readdirSync(place.state).filter((name) => name !== '.events'),
    [],
  );
});

e2e('a folder that was being filled', async (t) => {
  const place = await ownRoots(t);
  const { pid, startTime } = await deadProcess(t);
  mkdirSync(`${place.state}/.name.${pid}-${startTime}.0123456789abcdef`);
  await repaired(t, place, /was being filled or removed$/);
});

e2e('user ids of a container that is gone', async (t) => {
  const place = await ownRoots(t);
  mkdirSync(`${place.layers}/.ids`);
  symlinkSync(`0123456789abcdef\n\n${place.state}/gone`, `${place.layers}/.ids/70000000`);
  await repaired(t, place, /^a range of user ids, claimed by containers that are gone$/);
  t.deepEqual(readdirSync(`${place.layers}/.ids`), []);
});

e2e('a layer that does not say whose it is: crt removes nothing that it does not know', async (t) => {
  const place = await ownRoots(t);
  mkdirSync(`${place.layers}/name.0123456789abcdef`);
  const { all } = await look(place, /does not say whose it is$/);
  t.deepEqual([all.length, all[0]?.verdict, commands(all)], [1, 'warn', '']);
  await whole.sh(/rm -r .*$/.exec(all[0]?.fix?.advice ?? '')?.[0] ?? 'false');
  t.deepEqual((await look(place, /does not say whose it is$/)).all, []);
});

e2e('a mount below the layers', async (t) => {
  const place = await ownRoots(t);
  mkdirSync(`${place.layers}/.mounted`);
  const world = await broken(t, `mount -t tmpfs crt-test ${place.layers}/.mounted`);
  const { all } = await look(place, /^tmpfs is mounted on .*\/layers\/\.mounted/, world);
  t.is(all.length, 1, JSON.stringify(all));
  await world.sh(commands(all));
  t.deepEqual((await look(place, /is mounted on/, world)).all, []);
});

e2e('what a doctor has left that was killed is taken away, and nothing of one that lives', async (t) => {
  const place = await ownRoots(t);
  const { pid, startTime } = await deadProcess(t);
  const v2 = host.cgroup.mode === 'v2' ? `${host.cgroup.unified?.mountpoint}/crt` : undefined;
  const top = v2 ?? host.cgroup.hierarchies[0]?.mountpoint ?? '';
  if (!existsSync(top)) mkdirSync(top);
  const random = '0123456789abcdef';
  const made = (maker: { pid: number; startTime: number }): string[] => {
    const name = `crt-doctor-${maker.pid}-${maker.startTime.toString(36)}-memory-01234567`;
    const folders = [`${top}/${name}`, `${place.layers}/${name}.${random}`, `${place.state}/${name}`];
    return [...folders, ...['crt-doctor', name].map((of) => `${place.state}/.${of}.${maker.pid}-${maker.startTime}.${random}`)];
  };
  // The pid of the second is in use again.
  const [dead, alive] = [[...made({ pid, startTime }), ...made({ pid: process.pid, startTime: 1 })], made(ownIdentity())];
  t.teardown(() => [...dead, ...alive].filter((path) => path.startsWith(top) && existsSync(path)).map((path) => rmdirSync(path)));
  for (const path of [...dead, ...alive]) mkdirSync(path);
  const { all } = await look(place, /crt-doctor-/);
  t.deepEqual(dead.filter(existsSync), []);
  t.deepEqual(alive.filter(existsSync), alive);
  t.deepEqual(
    all.filter(({ observed }) => dead.some((path) => observed.includes(path))),
    [],
  );
});

e2e('a container of another state directory is none', async (t) => {
  const place = await ownRoots(t);
  const other = await ownRoots(t);
  const name = box(t);
  const container = await running(t, name, other);
  t.deepEqual((await look(place, new RegExp(name))).all, []);
  await container.kill();
  await repaired(t, other, new RegExp(`^the supervisor of ${name} `));
});

/** A pid namespace that shows only its own processes. */
const ALONE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

e2e('what lives in another pid namespace is not left over, and cannot be removed from here', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  const container = await running(t, name, place);
  const { pid, startTime } = ownIdentity();
  const made = `${place.state}/.crt-doctor.${pid}-${startTime}.0123456789abcdef`;
  mkdirSync(made);
  const report = await lookIn(ALONE, only, place.question.env);
  t.deepEqual(
    saying(report, 'leftovers', new RegExp(`${name}|${place.state}|crt-doctor`)).map(({ verdict }) => verdict),
    ['info'],
    JSON.stringify(report),
  );
  t.true(existsSync(made));
  rmdirSync(made);
  const removed = await ended(startIn(ALONE, [...CRT, 'rm', '-f', name], place.question.env));
  t.deepEqual([removed.code, /belongs to another pid namespace/.test(removed.stderr)], [125, true], removed.stderr);
  t.true(cgroupsOf(name).length > 0);
  await container.kill();
  await repaired(t, place, new RegExp(`^the supervisor of ${name} `));
});

e2e('from the first pid namespace those of others are seen, and what they leave', async (t) => {
  const place = await ownRoots(t);
  const name = box(t);
  const child = startIn(ALONE, [...CRT, 'run', name, '--no-tty', '--', 'sh', '-c', 'echo up; sleep 1000'], place.question.env);
  t.teardown(() => child.kill('SIGKILL'));
  await until(child.stdout, 'up');
  t.deepEqual((await look(place, new RegExp(name))).all, []);
  // Newer Nodes give themselves another name.
  const inside = [readProc(process.pid, 'comm').trim(), 'crt-init'].flatMap((comm) => descendants(comm, child.pid));
  t.is(inside.length, 2);
  child.kill('SIGKILL');
  await exited(child);
  // They die of the death of unshare(1), a moment later.
  await holds(() => inside.every((pid) => !existsSync(`/proc/${pid}`)));
  await repaired(t, place, new RegExp(`^the supervisor of ${name} `));
});
