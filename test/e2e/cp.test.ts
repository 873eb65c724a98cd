import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { PassThrough } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { copyFrom, copyTo, kill, NoContainerError, pause, remove, runDetached, UserError, unpause, wait } from '../../src/index.js';
import { inTime } from '../in-time.js';
import { beside, shell } from './beside.js';
import { box, crt, e2e, folder, MIB, ROOTFS, traces } from './support.js';

const out = async (name: string, text: string): Promise<string> => (await shell(name, text)).stdout;

/** A tree with whatever a tree may have. */
function plant(root: string): void {
  mkdirSync(`${root}/empty`, { recursive: true });
  mkdirSync(`${root}/sub`);
  writeFileSync(`${root}/sub/a`, 'a\n', { mode: 0o640 });
  writeFileSync(`${root}/none`, '');
  symlinkSync('sub/a', `${root}/link`);
  symlinkSync('/', `${root}/top`);
  symlinkSync('x'.repeat(300), `${root}/far`);
  const long = `${root}/${'d'.repeat(150)}/${'e'.repeat(250)}`;
  mkdirSync(long, { recursive: true });
  writeFileSync(`${long}/f`, 'deep');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/bytes`), Buffer.from([0xff, 0xfe])]), 'bytes');
  execFileSync('chmod', ['1755', `${root}/sub`]);
}

const same = (a: string, b: string): void => void execFileSync('diff', ['-r', '--no-dereference', a, b]);
const refused = (t: ExecutionContext, copy: Promise<unknown>, message: RegExp): Promise<unknown> =>
  t.throwsAsync(copy, { instanceOf: UserError, message });

e2e('a tree goes in and comes back: long names, bytes that are no text, links, empty folders, modes, times', async (t) => {
  const here = await folder(t);
  plant(`${here}/tree`);
  for (const userns of ['auto', 'host'] as const) {
    await beside(
      t,
      async (name) => {
        await copyTo(`${here}/tree`, name, '/opt/new');
        await copyTo(`${here}/tree`, name, '/opt');
        t.is(
          await out(name, 'diff -r --no-dereference /opt/new /opt/tree && stat -c "%a %u %g" /opt/new/sub /opt/new/sub/a'),
          '1755 0 0\n640 0 0\n',
        );
        await copyFrom(name, '/opt/tree', `${here}/back-${userns}`);
        same(`${here}/tree`, `${here}/back-${userns}`);
        const [before, after] = [statSync(`${here}/tree/sub/a`), statSync(`${here}/back-${userns}/sub/a`)];
        t.deepEqual([after.mode, Math.floor(after.mtimeMs / 1000)], [before.mode, Math.floor(before.mtimeMs / 1000)]);
      },
      { userns },
    );
  }
});

e2e('docker’s rules for what is there and what is not', async (t) => {
  const here = await folder(t);
  plant(`${here}/tree`);
  await beside(t, async (name) => {
    await shell(name, 'mkdir -p /d/in; echo x > /d/in/f; ln -s in /d/to; ln -s in/f /d/tof; ln -s /nowhere /d/lost');
    // A file: beside, over, into.
    await copyFrom(name, 'd/in/f', `${here}/name`);
    await copyFrom(name, '/d/in/f', `${here}/tree/none`);
    await copyFrom(name, '/d/in/f', `${here}/tree/empty`);
    for (const path of ['name', 'tree/none', 'tree/empty/f']) t.is(readFileSync(`${here}/${path}`, 'utf8'), 'x\n', path);
    await refused(t, copyFrom(name, '/d/in/f', `${here}/missing/`), /there is no such folder/);
    await refused(t, copyFrom(name, '/d/in/f', `${here}/missing/name`), /no such file or directory/);
    await refused(t, copyFrom(name, '/d/in/f/', here), /not a directory|not a folder|no folder/);
    // A folder: as, into, its contents into; never over a file.
    await copyFrom(name, '/d/in', `${here}/as/`);
    await copyFrom(name, '/d/in', `${here}/as`);
    await copyFrom(name, '/d/in/.', `${here}/tree/sub`);
    for (const path of ['as/f', 'as/in/f', 'tree/sub/f']) t.true(existsSync(`${here}/${path}`), path);
    await refused(t, copyFrom(name, '/d/in', `${here}/name`), /is a file, and .* is a folder/);
    await refused(t, copyTo(`${here}/as`, name, '/d/in/f'), /is a file, and .* is a folder/);
    await copyTo(`${here}/as/.`, name, '/d/in');
    await copyTo(`${here}/as`, name, '/d/made');
    t.is(await out(name, 'cd /d; ls in made'), 'in:\nf\nin\n\nmade:\nf\nin\n');
    // Links: themselves, or what they lead to.
    await copyFrom(name, '/d/tof', `${here}/l1`);
    await copyFrom(name, '/d/tof', `${here}/l2`, { followLink: true });
    await copyFrom(name, '/d/to/', `${here}/l3`);
    t.is(readlinkSync(`${here}/l1`), 'in/f');
    t.true(lstatSync(`${here}/l2`).isFile() && lstatSync(`${here}/l3`).isDirectory());
    symlinkSync('name', `${here}/tolocal`);
    await copyTo(`${here}/tolocal`, name, '/d/c1');
    await copyTo(`${here}/tolocal`, name, '/d/c2', { followLink: true });
    await copyTo(`${here}/name`, name, '/d/to');
    await copyTo(`${here}/name`, name, '/d/tof');
    t.is(await out(name, 'cd /d; readlink c1; cat c2; ls in; readlink tof'), 'name\nx\nf\nin\nname\nin/f\n');
  });
});

e2e('owners are root’s, or by number as inside with -a; setuid bits stay inside', async (t) => {
  const here = await folder(t);
  writeFileSync(`${here}/f`, 'f');
  chownSync(`${here}/f`, 1234, 55);
  await beside(t, async (name) => {
    await copyTo(`${here}/f`, name, '/tmp/plain');
    await copyTo(`${here}/f`, name, '/tmp/kept', { archive: true });
    t.is(await out(name, 'cd /tmp; stat -c "%u %g" plain kept; cp /bin/true su; chown 7:8 su; chmod 6755 su'), '0 0\n1234 55\n');
    await copyFrom(name, '/tmp/su', `${here}/plain`);
    await copyFrom(name, '/tmp/su', `${here}/kept`, { archive: true });
    const shown = [lstatSync(`${here}/plain`), lstatSync(`${here}/kept`)].map(({ uid, gid, mode }) => [uid, gid, mode & 0o7777]);
    t.deepEqual(shown, [
      [0, 0, 0o755],
      [7, 8, 0o755],
    ]);
    await copyTo('/bin/su', name, '/tmp/su2');
    const bits = statSync('/bin/su').mode & 0o7777;
    t.is(await out(name, 'stat -c %a /tmp/su2'), `${bits.toString(8)}\n`);
    chownSync(`${here}/f`, 70_000, 0);
    await refused(t, copyTo(`${here}/f`, name, '/tmp/far', { archive: true }), /none of the ids of the container/);
  });
});

e2e('300 MB with holes pass through in little memory and stay holes', async (t) => {
  const here = await folder(t);
  const size = 300 * MIB;
  writeFileSync(`${here}/big`, 'begin');
  truncateSync(`${here}/big`, size);
  const fd = openSync(`${here}/big`, 'r+');
  writeSync(fd, 'end', size - 3);
  closeSync(fd);
  await beside(t, async (name) => {
    const before = process.memoryUsage().rss;
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 20);
    await copyTo(`${here}/big`, name, '/var/big');
    const { bytes } = await copyFrom(name, '/var/big', `${here}/back`);
    clearInterval(timer);
    t.true(bytes >= size && bytes < size + MIB);
    t.true(most < 120 * MIB, `${most / MIB} MiB more`);
    execFileSync('cmp', [`${here}/big`, `${here}/back`]);
    t.true(statSync(`${here}/back`).blocks * 512 < MIB);
  });
});

e2e('a stopped container: nothing of it runs, its layer is what is read and written, and it starts again', async (t) => {
  const here = await folder(t);
  writeFileSync(`${here}/f`, 'new\n');
  mkdirSync(`${here}/volume`);
  for (const userns of ['auto', 'host'] as const) {
    const name = box(t);
    t.teardown(() => remove(name, { force: true }));
    const script = 'echo it > /opt/said; test -e /opt/f && cat /opt/f > /data/seen; echo v > /data/v';
    const mounts = [{ type: 'bind' as const, source: `${here}/volume`, target: '/data' }];
    await runDetached({ name, rootfs: ROOTFS, userns, mounts, command: ['sh', '-c', script] });
    await wait(name);
    const left = traces(name);
    await copyFrom(name, '/opt/said', `${here}/said-${userns}`);
    t.is(readFileSync(`${here}/said-${userns}`, 'utf8'), 'it\n');
    await copyFrom(name, '/data/v', `${here}/v-${userns}`);
    t.is(readFileSync(`${here}/v-${userns}`, 'utf8'), 'v\n');
    await copyTo(`${here}/f`, name, '/opt');
    t.deepEqual(traces(name), left);
    t.is((await crt(t, ['start', name])).code, 0);
    await wait(name);
    t.is(readFileSync(`${here}/volume/seen`, 'utf8'), 'new\n');
  }
});

e2e('a foreground container that is kept, one that is paused, and none', async (t) => {
  const here = await folder(t);
  const kept = box(t);
  t.teardown(() => remove(kept));
  t.is((await crt(t, ['run', kept, '--keep', '--', 'sh', '-c', 'echo k > /root/k'])).code, 0);
  t.is((await crt(t, ['cp', `${kept}:/root/k`, here])).code, 0);
  t.is(readFileSync(`${here}/k`, 'utf8'), 'k\n');
  await beside(t, async (name) => {
    pause(name);
    await copyTo(`${here}/k`, name, '/tmp');
    unpause(name);
    t.is(await out(name, 'cat /tmp/k'), 'k\n');
  });
  await t.throwsAsync(copyFrom('no-such-box', '/etc', here), { instanceOf: NoContainerError });
});

e2e('- is a tar archive both ways, for the tar of this machine', async (t) => {
  const here = await folder(t);
  plant(`${here}/tree`);
  await beside(t, async (name) => {
    for (const format of ['gnu', 'posix', 'pax']) {
      const input = execFileSync('tar', ['-C', here, `--format=${format}`, '-cf', '-', 'tree'], { maxBuffer: 64 * MIB });
      await shell(name, 'rm -rf /srv/tree');
      t.is((await crt(t, ['cp', '-', `${name}:/srv`], { input })).code, 0, format);
      const { bytes, stderr } = await crt(t, ['cp', `${name}:/srv/tree`, '-']);
      t.is(stderr, '');
      mkdirSync(`${here}/${format}`);
      execFileSync('tar', ['-C', `${here}/${format}`, '-xpf', '-'], { input: bytes });
      same(`${here}/tree`, `${here}/${format}/tree`);
    }
    const listed = execFileSync('tar', ['-tf', '-'], { input: (await crt(t, ['cp', `${name}:/srv/tree/sub/.`, '-'])).bytes });
    t.is(listed.toString(), './\n./a\n');
    // Hard links and owners of the archive.
    await shell(name, 'mkdir /tmp/h');
    execFileSync('ln', [`${here}/tree/sub/a`, `${here}/tree/sub/b`]);
    const hard = execFileSync('tar', ['-C', `${here}/tree`, '--owner=:77', '--group=:78', '-cf', '-', 'sub']);
    t.is((await crt(t, ['cp', '-', `${name}:/tmp/h`], { input: hard })).code, 0);
    t.is(await out(name, 'stat -c "%h %u %g" /tmp/h/sub/a'), '2 77 78\n');
    for (const input of ['no archive', hard.subarray(0, 1500)]) {
      const { code, stderr } = await crt(t, ['cp', '-', `${name}:/tmp/h`], { input });
      t.is(code, 125);
      t.regex(stderr, /no tar archive, or it ends too early/);
    }
    t.regex((await crt(t, ['cp', '-', `${name}:/etc/hosts`], { input: hard })).stderr, /is no folder: a tar archive needs one/);
    const stream = new PassThrough().end(hard);
    t.true((await copyTo(stream, name, '/tmp/h')).bytes >= hard.length);
  });
});

e2e('what cannot be copied is said in words', async (t) => {
  const here = await folder(t);
  plant(`${here}/tree`);
  await beside(
    t,
    async (name) => {
      await refused(t, copyFrom(name, '/nope', here), /:\/nope: there is no such file or folder/);
      await refused(t, copyTo(`${here}/nope`, name, '/tmp'), /nope: there is no such file or folder/);
      await refused(t, copyTo(`${here}/tree`, name, '/nope/x'), /cannot write .*\/nope\/x: there is no such file or folder \(ENOENT\)/);
      await refused(t, copyFrom(name, '/etc/passwd/x', here), /something that is no folder is in the way/);
      for (const path of ['/proc', '/proc/self/', '/sys/kernel', '/proc/sys/kernel/hostname'])
        await refused(t, copyFrom(name, path, `${here}/p`), /\/proc, \/sys or among the cgroups|no such file/);
      for (const path of ['/proc/sys/kernel/hostname', '/proc/sys/kernel/x', '/sys/x'])
        await refused(t, copyTo(`${here}/tree/sub/a`, name, path), /\/proc, \/sys or among the cgroups|read-only|no such file/);
      await refused(t, copyFrom(name, '/dev/null', here), /is a device/);
      await shell(name, 'mkdir /tmp/in; ln -s /etc /tmp/in/sub; mkdir /tmp/in2; mkdir -p /tmp/in2/sub/a');
      await refused(t, copyTo(`${here}/tree/.`, name, '/tmp/in'), /cannot write .* at .*sub.*what was copied before is there/);
      await refused(t, copyTo(`${here}/tree/.`, name, '/tmp/in2'), /a folder is in the way of a file/);
      writeFileSync(`${here}/much`, Buffer.alloc(4 * MIB, 1));
      await refused(t, copyTo(`${here}/much`, name, '/small'), /the disk is full/);
      await refused(t, copyTo(`${here}/much`, name, '/etc'), /read-only/);
      await shell(name, 'mkfifo /small/pipe; echo x > /small/x');
      const { leftOut } = await copyFrom(name, '/small/.', `${here}/small`);
      t.deepEqual(leftOut, [`./pipe in ${name}:/small/.`]);
      t.deepEqual(
        readdirSync(`${here}/small`).filter((file) => file !== 'much'),
        ['x'],
      );
    },
    {
      readOnly: true,
      mounts: [
        { type: 'tmpfs', target: '/small', size: MIB },
        { type: 'tmpfs', target: '/tmp' },
      ],
    },
  );
});

e2e('the command line: what is said, and refused', async (t) => {
  const here = await folder(t);
  await beside(t, async (name) => {
    const said = await crt(t, ['cp', `${name}:/etc/passwd`, here]);
    t.regex(said.stderr, /^crt: copied \d.* to \//m);
    t.deepEqual(await crt(t, ['cp', '-q', `${name}:/etc/passwd`, here]).then(({ code, stderr }) => [code, stderr]), [0, '']);
    writeFileSync(`${here}/a:b`, 'colon');
    t.like(await crt(t, ['cp', './a:b', `${name}:/tmp/`], { cwd: here }), {
      code: 0,
      stderr: 'crt: copied 88 B to '.concat(name, ':/tmp/\n'),
    });
    t.is(await out(name, 'cat /tmp/a:b'), 'colon');
    t.regex((await crt(t, ['cp', 'a', 'b'])).stderr, /one of the two paths is to be in a container/);
    t.regex((await crt(t, ['cp', `${name}:/a`, `${name}:/b`])).stderr, /from container to container/);
  });
});

e2e('the end of the container is not the end of a copy; the kill of crt is', async (t) => {
  const here = await folder(t);
  const name = box(t);
  t.teardown(() => remove(name, { force: true }));
  await runDetached({ name, rootfs: ROOTFS, command: ['sleep', '1000'] });
  const stream = new PassThrough({ highWaterMark: 1 });
  const copied = copyFrom(name, '/usr/bin/.', stream);
  await inTime('the first bytes', Promise.race([once(stream, 'readable'), copied]));
  kill(name);
  await wait(name);
  stream.resume();
  t.true((await copied).bytes > MIB);
  t.true(existsSync(here));
});
