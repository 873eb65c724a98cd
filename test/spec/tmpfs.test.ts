import test from 'ava';
import { UserError } from '../../src/errors.js';
import { parseTmpfs } from '../../src/spec/tmpfs.js';

test('tmpfs', (t) => {
  t.deepEqual(parseTmpfs('/run'), { type: 'tmpfs', target: '/run' });
  t.deepEqual(parseTmpfs('/run:size=64m,mode=1777'), { type: 'tmpfs', target: '/run', size: 67108864, mode: 0o1777 });
  t.deepEqual(parseTmpfs('/run:rw,nosuid,noexec,nodev,size=65536k'), { type: 'tmpfs', target: '/run', size: 67108864 });
  t.deepEqual(parseTmpfs('/run:ro,mode=0755'), { type: 'tmpfs', target: '/run', readonly: true, mode: 0o755 });
});

test('what a tmpfs of crt is not', (t) => {
  t.regex(t.throws(() => parseTmpfs('/run:exec'), { instanceOf: UserError })?.message ?? '', /always noexec/);
  for (const text of [
    '',
    'run',
    '/',
    '/proc/x',
    '/run:',
    '/run:size=',
    '/run:size=0',
    '/run:size=50%',
    '/run:mode=9',
    '/run:mode=99999',
    '/run:mode=-1',
    '/run:uid=5',
    '/run:size',
    '/run:sizzle=1',
  ]) {
    t.throws(() => parseTmpfs(text), { instanceOf: UserError }, text);
  }
});
