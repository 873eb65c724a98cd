import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { copyFrom, copyTo, UserError } from '../../src/index.js';
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
    await t.throwsAsync(copyTo(source, name, '/tmp'), { is: fault });
  });
});
