import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { crt, e2e, folder } from '../e2e/support.js';
import { until } from '../in-time.js';
import { look, PYTHON } from './around.js';
import { broken, type Question, repaired, whole } from './broken.js';
import { checkOf, complaints, failing, finding, saying } from './report.js';

const STORAGE = ['storage'];

/** Directories of this test alone. Nothing may be left in them. */
async function ownRoots(t: ExecutionContext): Promise<{ path: string; question: Question }> {
  const path = await folder(t);
  for (const name of ['state', 'layers']) mkdirSync(`${path}/${name}`, { mode: 0o700 });
  return { path, question: { only: STORAGE, env: { CRT_STATE_DIR: `${path}/state`, CRT_LAYERS_DIR: `${path}/layers` } } };
}

function left(path: string): string[] {
  return readdirSync(path, { recursive: true }).map(String).sort();
}

e2e('a whole machine: no complaint, and nothing left behind', async (t) => {
  const { path, question } = await ownRoots(t);
  const report = await whole.ask(question);
  t.deepEqual(complaints(report), [], JSON.stringify(report));
  t.deepEqual(left(path), ['layers', 'state']);
});

e2e('directories that are not there yet are not made', async (t) => {
  const path = await folder(t);
  const env = { CRT_STATE_DIR: `${path}/a/state`, CRT_LAYERS_DIR: `${path}/b/c/layers` };
  const report = await whole.ask({ only: STORAGE, env });
  t.deepEqual(complaints(report), [], JSON.stringify(report));
  t.regex(checkOf(report, 'layers-dir').findings[0]?.observed ?? '', /, which a start makes$/);
  t.deepEqual(left(path), []);
});

for (const [variable, id, tells] of [
  ['CRT_STATE_DIR', 'state-dir', []],
  ['CRT_LAYERS_DIR', 'layers-dir', ['overlay unknown']],
] as const) {
  e2e(`${variable} is a symbolic link that leads nowhere`, async (t) => {
    const { path, question } = await ownRoots(t);
    symlinkSync(`${path}/unmounted/root`, `${path}/link`);
    for (const root of [`${path}/link`, `${path}/link/below`]) {
      const env = { ...question.env, [variable]: root };
      const report = await whole.ask({ only: [...STORAGE, 'container'], env });
      t.deepEqual(complaints(report), [`${id} fail`, ...tells, 'container unknown'], JSON.stringify(report));
      t.is(finding(report, id).observed.split(':')[0], `cannot make ${root}`);
      t.regex(finding(report, id).fix?.advice ?? '', /link is a symbolic link to .*\/unmounted\/root, which is not there/);
      // The check that the error points to was not asked, so it says nothing: the error itself does.
      const alone = await whole.ask({ only: ['container'], env });
      t.deepEqual([complaints(alone), finding(alone, 'container').observed.split(':')[0]], [['container fail'], `cannot make ${root}`]);
    }
    t.deepEqual(left(path), ['layers', 'link', 'state']);
  });
}

for (const [root, id, tells] of [
  ['state', 'state-dir', []],
  ['layers', 'layers-dir', ['overlay unknown']],
] as const) {
  e2e(`a read-only ${root} directory`, async (t) => {
    const { path, question } = await ownRoots(t);
    const world = await broken(t, `mount -t tmpfs -o ro,mode=700 crt-test ${path}/${root}`);
    const report = await world.ask(question);
    t.regex(checkOf(report, id).findings[0]?.observed ?? '', /the file system is read-only$/);
    await repaired(t, world, question, [`${id} fail`, ...tells]);
  });

  e2e(`a ${root} directory of somebody else`, async (t) => {
    const { path, question } = await ownRoots(t);
    chownSync(`${path}/${root}`, 12345, 12345);
    const report = await whole.ask(question);
    t.regex(checkOf(report, id).findings[0]?.observed ?? '', /can be changed by other users$/);
    await repaired(t, whole, question, [`${id} fail`, ...tells]);
    t.deepEqual(left(path), ['layers', 'state']);
  });

  e2e(`a ${root} directory that all may write to`, async (t) => {
    const { path, question } = await ownRoots(t);
    chmodSync(`${path}/${root}`, 0o777);
    await repaired(t, whole, question, [`${id} fail`, ...tells]);
  });

  e2e(`a file where the ${root} directory should be`, async (t) => {
    const parent = root === 'state' ? '/run' : '/var/lib';
    const world = await broken(t, `mount -t tmpfs crt-test ${parent}; echo > ${parent}/crt`);
    const { env } = (await ownRoots(t)).question;
    await repaired(t, world, { only: STORAGE, env: { ...env, [`CRT_${root.toUpperCase()}_DIR`]: '' } }, [`${id} fail`, ...tells]);
  });

  // What a wrong variable leads to: a command would take it from the machine.
  for (const [what, make] of [
    ['a file of somebody', 'echo > $dir'],
    ['a file of somebody above', 'rmdir $(dirname $dir); echo > $(dirname $dir)'],
    ['an empty folder that all share, as /tmp', 'mkdir -m 1777 $dir'],
    ['a folder with files of others', 'mkdir -m 777 $dir; echo > $dir/file'],
    ['a home', 'mount -t tmpfs crt-test /home; mkdir -m 777 /home/crt-test; dir=/home/crt-test'],
  ] as const) {
    e2e(`${root}: ${what} is in its place, and is left alone`, async (t) => {
      const place = await folder(t);
      const dir = what === 'a home' ? '/home/crt-test' : `${place}/a/dir`;
      const variable = `CRT_${root.toUpperCase()}_DIR`;
      const world = await broken(t, `mkdir ${place}/a; dir=${dir}; ${make}`);
      const { question } = await ownRoots(t);
      const report = await world.ask({ only: [id], env: { ...question.env, [variable]: dir } });
      const { fix } = finding(report, id);
      t.deepEqual(fix?.commands ?? [], [], JSON.stringify(report));
      t.regex(fix?.advice ?? '', new RegExp(`^set ${variable} to a directory of crt's own`));
    });
  }
}

for (const [what, options, dirt] of [
  ['bytes', 'size=64k', 'head -c 1000000 /dev/zero 2> /dev/null > $dir/.dirt || true'],
  ['inodes', 'nr_inodes=3', ''],
] as const) {
  for (const root of ['state', 'layers'] as const) {
    e2e(`a ${root} directory without free ${what}`, async (t) => {
      const { path, question } = await ownRoots(t);
      const dir = `${path}/${root}`;
      const world = await broken(t, `dir=${dir}; mount -t tmpfs -o mode=700,${options} crt-test $dir\n${dirt}`);
      const report = await world.ask(question);
      const [finding] = saying(report, 'disk-space', new RegExp(` free for ${root}: `));
      t.is(finding?.verdict, 'fail');
      t.regex(finding?.fix?.advice ?? '', /df -i/);
      // The folder itself is well: it is told once.
      const others = root === 'state' ? ['state-dir unknown'] : ['layers-dir unknown', 'overlay unknown'];
      t.deepEqual(complaints(report), [...others, 'disk-space fail'], JSON.stringify(report));
      t.deepEqual((await world.sh(`ls -A ${dir}`)).trim(), dirt && '.dirt');
      await world.sh(`mount -o remount,size=1g,nr_inodes=100k ${dir}; rm -f ${dir}/.dirt`);
      t.deepEqual(complaints(await world.ask(question)), []);
    });
  }
}

e2e('little room is a warning', async (t) => {
  const { path, question } = await ownRoots(t);
  const world = await broken(t, `mount -t tmpfs -o mode=700,size=10m crt-test ${path}/layers`);
  const report = await world.ask(question);
  t.deepEqual(complaints(report), ['disk-space warn']);
  t.regex(saying(report, 'disk-space', / free for layers: /)[0]?.expected ?? '', /^512 MiB/);
});

e2e('a file system that does not count its blocks has room', async (t) => {
  const { path, question } = await ownRoots(t);
  const world = await broken(t, `for d in state layers; do mount -t ramfs -o mode=700 crt-test ${path}/$d; done`);
  const report = await world.ask({ ...question, only: ['disk-space'] });
  t.deepEqual(complaints(report), [], JSON.stringify(report));
});

e2e('what a start needs is enough, with a warning', async (t) => {
  const { path, question } = await ownRoots(t);
  const world = await broken(t, `mount -t tmpfs -o mode=700,size=40k crt-test ${path}/state`);
  const report = await world.ask({ ...question, only: ['disk-space', 'container'] });
  t.deepEqual(complaints(report), ['disk-space warn'], JSON.stringify(report));
});

/** A disk that does not answer: of a FUSE file system whose daemon never says a word. */
const SILENT = `
import ctypes, os, sys
fd = os.open('/dev/fuse', os.O_RDWR)
options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode()
assert ctypes.CDLL(None).mount(b'crt-test', sys.argv[1].encode(), b'fuse', 0, options) == 0
print('broken', flush=True)
os.read(0, 1)`;

for (const [root, id] of [
  ['state', 'state-dir'],
  ['layers', 'layers-dir'],
] as const) {
  e2e(`a ${root} directory on a disk that does not answer holds nothing up (needs python3)`, async (t) => {
    const { path, question } = await ownRoots(t);
    const words = ['--mount', PYTHON, '-c', SILENT, `${path}/${root}`];
    const daemon = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    t.teardown(() => daemon.kill('SIGKILL'));
    await until(daemon.stdout, 'broken\n');
    const around = ['nsenter', '--mount', '--target', String(daemon.pid), '--'];
    const report = await look(around, ['storage', 'leftovers', 'container', 'node'], question.env);
    t.is(finding(report, id).observed, `no answer from the disk of ${path}/${root}`);
    t.deepEqual(failing(report), [id], JSON.stringify(report));
    t.is(checkOf(report, 'container').verdict, 'unknown');
  });
}

e2e('noexec, nodev and nosuid do no harm there', async (t) => {
  const { path, question } = await ownRoots(t);
  const options = 'mode=700,noexec,nodev,nosuid';
  const world = await broken(t, `for d in state layers; do mount -t tmpfs -o ${options} crt-test ${path}/$d; done`);
  t.deepEqual(complaints(await world.ask(question)), []);
});

e2e('layers on an overlay: kept in memory, a warning', async (t) => {
  const { path, question } = await ownRoots(t);
  const script = `mount -t tmpfs crt-test ${path}/state; cd ${path}/state; mkdir -m 700 l u w
    mount -t overlay -o lowerdir=l,upperdir=u,workdir=w crt-test ${path}/layers; chmod 700 ${path}/layers ${path}/state`;
  const report = await (await broken(t, script)).ask(question);
  t.deepEqual(complaints(report), ['overlay warn'], JSON.stringify(report));
  const [finding] = checkOf(report, 'overlay').findings;
  t.regex(finding?.observed ?? '', /is on overlay, which cannot take a writable layer$/);
  t.regex(finding?.cost ?? '', /in memory/);
});

e2e('layers on a file system without extended attributes: it mounts, and does not keep what is written', async (t) => {
  const { path, question } = await ownRoots(t);
  const world = await broken(t, `mount -t ramfs crt-test ${path}/layers; chmod 700 ${path}/layers`);
  const report = await world.ask({ ...question, only: ['layers-dir', 'overlay'] });
  t.deepEqual(complaints(report), ['overlay fail'], JSON.stringify(report));
  t.regex(checkOf(report, 'overlay').findings[0]?.observed ?? '', /does not keep what is written: .*\(EIO\)$/);
  t.deepEqual(await world.sh(`ls -A ${path}/layers`), '');
  // What the fix says, by a file system that can.
  const env = { ...question.env, CRT_LAYERS_DIR: `${path}/state/layers` };
  t.deepEqual(complaints(await world.ask({ only: ['layers-dir', 'overlay'], env })), []);
});

e2e('a state directory that is immutable: root hears why, not to become root', async (t) => {
  const state = `${await folder(t)}/state`;
  mkdirSync(state, { mode: 0o700 });
  if (spawnSync('chattr', ['+i', state]).status !== 0) return t.pass('no chattr, or a file system without flags');
  t.teardown(() => spawnSync('chattr', ['-i', state]));
  const { stderr } = await crt(t, ['run', 'immutable', '--', 'true'], { env: { CRT_STATE_DIR: state } });
  t.true(
    stderr.includes(`: not permitted, not even to root\n     the folder may be immutable: lsattr -d ${state}; then chattr -i ${state}\n`),
    stderr,
  );
  const report = await whole.ask({ only: ['state-dir'], env: { CRT_STATE_DIR: state } });
  t.regex(finding(report, 'state-dir').fix?.advice ?? '', /lsattr -d/);
});
