import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { dir } from 'tmp-promise';
import { UserError } from '../src/errors.js';
import { readNamedFile } from '../src/read-named-file.js';
import { until } from './in-time.js';

const refused = (path: string): string => {
  try {
    return readNamedFile(path, '--flag', 'hint').toString();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
};

test('a file, and a pipe to its end; nothing endless, nothing that hangs', async (t) => {
  const { path, cleanup } = await dir({ unsafeCleanup: true });
  t.teardown(cleanup);
  writeFileSync(`${path}/file`, 'A=1\n');
  t.is(refused(`${path}/file`), 'A=1\n');
  t.is(refused(`${path}/none`), `--flag ${path}/none cannot be read: no such file or directory`);
  t.is(refused(path), `--flag ${path} is a folder`);
  t.is(refused('/dev/zero'), '--flag /dev/zero is no file');
  writeFileSync(`${path}/long`, Buffer.alloc((1 << 20) + 1));
  t.is(refused(`${path}/long`), `--flag ${path}/long is longer than a megabyte`);
  execFileSync('mkfifo', [`${path}/fifo`]);
  // Nobody writes to it: that is its end.
  t.is(refused(`${path}/fifo`), '');
  const writer = spawn('sh', ['-c', 'exec 3<> "$0"; echo B=2 >&3; echo ready; sleep 0.2', `${path}/fifo`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await until(writer.stdout, 'ready\n');
  t.is(refused(`${path}/fifo`), 'B=2\n');
});
