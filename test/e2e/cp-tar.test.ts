import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { copyFrom, copyTo, UserError } from '../../src/index.js';
import { ended, raw } from '../archive/_archive.js';
import { beside, shell } from './beside.js';
import { e2e, folder, MIB } from './support.js';

const refused = (t: ExecutionContext, copy: Promise<unknown>, message: RegExp): Promise<unknown> =>
  t.throwsAsync(copy, { instanceOf: UserError, message });

e2e('- where an archive is not taken, or nobody takes one', async (t) => {
  const here = await folder(t);
  writeFileSync(`${here}/s`, 'begin');
  truncateSync(`${here}/s`, MIB);
  writeFileSync(`${here}/f`, 'f');
  execFileSync('mkfifo', [`${here}/p1`, `${here}/p2`]);
  const pack = (...words: string[]): Buffer => execFileSync('tar', ['-C', here, '-cf', '-', ...words], { maxBuffer: 64 * MIB });
  const give = (input: Buffer): PassThrough => new PassThrough().end(input);
  await beside(t, async (name) => {
    await refused(t, copyTo(give(pack('--sparse', '--format=posix', 's')), name, '/tmp'), /a sparse file is in the archive/);
    await refused(
      t,
      copyTo(give(pack('--owner=:4294967294', 'f')), name, '/tmp'),
      /cannot write .* at f: .* none of the ids of the container/,
    );
    await refused(t, copyTo(give(gzipSync(pack('f'))), name, '/tmp'), /no tar archive/);
    t.deepEqual((await copyTo(give(pack('p1', 'f', 'p2')), name, '/tmp')).leftOut, [`p1 and 1 more in ${name}:/tmp`]);
    t.is((await shell(name, 'ls /tmp')).stdout, 'f\n');
    await refused(t, copyFrom(name, '/proc', new PassThrough().resume()), /\/proc, \/sys or among the cgroups/);
    const broken = new PassThrough({ highWaterMark: 1 });
    broken.once('readable', () => broken.destroy());
    await refused(t, copyFrom(name, '/usr/bin', broken), /whoever was to read the archive went away/);
    const fault = Object.assign(new Error('read'), { code: 'EIO' });
    const source = Readable.from(
      (function* () {
        yield pack('f').subarray(0, 512);
        throw fault;
      })(),
    );
    const error = await t.throwsAsync(copyTo(source, name, '/tmp'), { instanceOf: UserError, message: /^cannot read the archive: / });
    t.is(error.cause, fault);
  });
});

e2e('- hard links of an archive: nothing that is there goes before the link is', async (t) => {
  const here = await folder(t);
  mkdirSync(`${here}/d`);
  writeFileSync(`${here}/d/a`, 'a');
  linkSync(`${here}/d/a`, `${here}/d/b`);
  const pack = (...words: string[]): Readable => Readable.from([execFileSync('tar', ['-C', here, '-cf', '-', ...words])]);
  const look = 'cd /root; cat d/a; stat -c %h d/a d/b; ls -A d';
  const seen = 'a2\n2\na\nb\n';
  await beside(t, async (name) => {
    await copyTo(pack('d'), name, '/root');
    t.is((await shell(name, look)).stdout, seen);
    // A name that comes twice is a link to itself the second time.
    await copyTo(pack('d/a', 'd/b', 'd/a'), name, '/root');
    t.is((await shell(name, look)).stdout, seen);
    // In the place of another file, and of a link to the same.
    await shell(name, 'cd /root/d; rm b; echo other > b');
    await copyTo(pack('d'), name, '/root');
    t.is((await shell(name, look)).stdout, seen);
    const missing = Readable.from([ended(raw('d/b', '1', '', (header) => void header.write('no/where', 157)))]);
    await refused(t, copyTo(missing, name, '/root'), /cannot write .* at d\/b: there is no such file or folder/);
    await shell(name, 'mkdir -p /dev/shm/x; echo kept > /dev/shm/x/b');
    const across = Readable.from([ended(raw('dev/shm/x/b', '1', '', (header) => void header.write('root/d/a', 157)))]);
    await refused(t, copyTo(across, name, '/'), /at dev\/shm\/x\/b: a hard link leads to another file system/);
    t.is((await shell(name, `${look}; ls /root; cat /dev/shm/x/b`)).stdout, `${seen}d\nkept\n`);
  });
});

e2e('- what a container says of size and time does not spoil an archive', async (t) => {
  const list = async (name: string, path: string): Promise<string> => {
    const archive: Buffer[] = [];
    const into = new PassThrough();
    into.on('data', (chunk: Buffer) => archive.push(chunk));
    await copyFrom(name, path, into);
    return execFileSync('tar', ['-tvf', '-'], { input: Buffer.concat(archive), encoding: 'utf8' });
  };
  await beside(t, async (name) => {
    await shell(
      name,
      'touch -d @9223372036854775807 /dev/shm/late; touch -d @-9223372036854775807 /dev/shm/early; truncate -s 4E /dev/shm/big',
    );
    for (const file of ['late', 'early']) t.regex(await list(name, `/dev/shm/${file}`), new RegExp(` ${file}\n$`));
    await refused(t, list(name, '/dev/shm/big'), /^no archive can be made: big is too large, or says so$/);
  });
});
