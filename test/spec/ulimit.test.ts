import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { parseUlimit } from '../../src/spec/ulimit.js';

test('ulimit', (t) => {
  t.deepEqual(parseUlimit('nofile=1024:2048'), { name: 'nofile', soft: 1024, hard: 2048 });
  t.deepEqual(parseUlimit('nofile=1024'), { name: 'nofile', soft: 1024, hard: 1024 });
  t.deepEqual(parseUlimit('core=0:-1'), { name: 'core', soft: 0, hard: -1 });
  t.deepEqual(parseUlimit('core=unlimited'), { name: 'core', soft: -1, hard: -1 });
  t.deepEqual(parseUlimit('as=9007199254740991'), { name: 'as', soft: 2 ** 53 - 1, hard: 2 ** 53 - 1 });
});

test('ulimit: what is refused', (t) => {
  t.is(t.throws(() => parseUlimit('nofil=1'), { instanceOf: UserError })?.hint, 'did you mean nofile?');
  t.throws(() => parseUlimit('nofile=2:1'), { message: /soft limit 2 is above the hard limit 1/ });
  for (const text of [
    '',
    'nofile',
    'nofile=',
    'nofile=1:',
    'nofile=1:2:3',
    'nofile=-2',
    'nofile=-1:5',
    'nofile=1.5',
    'nofile=9007199254740992',
    'NOFILE=1',
    '__proto__=1',
    '=1',
    'nofile= 1',
  ]) {
    t.throws(() => parseUlimit(text), { instanceOf: UserError }, text);
  }
});

test('limits are read back exactly', (t) => {
  const limit = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(limit, limit, (a, b) => {
      const [soft, hard] = a < b ? [a, b] : [b, a];
      t.deepEqual(parseUlimit(`nproc=${soft}:${hard}`), { name: 'nproc', soft, hard });
    }),
  );
});
