import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import test from 'ava';
import { ended } from './e2e/support.js';
import { exited, inTime, until } from './in-time.js';

test('what never comes is named', async (t) => {
  const never = new Promise(() => {});
  await t.throwsAsync(inTime('the end of days', never, 10), { message: 'not within 0.01 s: the end of days' });
  await t.throwsAsync(
    inTime(() => 'said late', never, 10),
    { message: /said late$/ },
  );
  t.is(await inTime('this', Promise.resolve(1)), 1);
  await t.throwsAsync(inTime('this', Promise.reject(new Error('failed'))), { message: 'failed' });
});

test('of a child that has ended before anybody asked it is told how', async (t) => {
  const child = spawn('sh', ['-c', 'echo said; exit 3']);
  child.stdout.resume();
  await once(child, 'close');
  t.deepEqual(await exited(child), [3, null]);
  t.like(await ended(child), { code: 3, signal: null });
  await t.throwsAsync(until(child.stdout, 'said'), { message: /the output ended without "said"/ });
  const killed = spawn('sleep', ['1000']);
  killed.kill('SIGKILL');
  t.deepEqual(await exited(killed), [null, 'SIGKILL']);
});

test('a text is waited for over several pieces, and not beyond the end', async (t) => {
  const pieces = Readable.from([Buffer.from('re'), Buffer.from('ady, and more')]);
  t.is(await until(pieces, 'ready'), 'ready, and more');
  await t.throwsAsync(until(Readable.from([Buffer.from('no')]), 'ready'), { message: /without "ready": "no"/ });
  await t.throwsAsync(until(null, 'ready'), { message: /without "ready"/ });
});
