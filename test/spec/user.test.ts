import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { checkUser } from '../../src/spec/user.js';

test('users', (t) => {
  t.deepEqual(checkUser('1000'), { text: '1000', uid: 1000, gid: undefined });
  t.deepEqual(checkUser('1000:100'), { text: '1000:100', uid: 1000, gid: 100 });
  t.deepEqual(checkUser('www-data'), { text: 'www-data', uid: undefined, gid: undefined });
  t.deepEqual(checkUser('_apt:0'), { text: '_apt:0', uid: undefined, gid: 0 });
  t.deepEqual(checkUser('4294967294:staff'), { text: '4294967294:staff', uid: 4294967294, gid: undefined });
});

test('what would wrap around, or mean "no change", is refused', (t) => {
  const numbers = [
    '4294967295',
    '4294967296',
    '-1',
    '+1',
    '+0',
    '00',
    '0x0',
    '1e3',
    '1.0',
    ' 1',
    '1 ',
    '99999999999999999999',
    '0\n',
    '٠',
    '1000abc',
  ];
  for (const text of [...numbers, ...numbers.map((number) => `root:${number}`)])
    t.throws(() => checkUser(text), { instanceOf: UserError }, JSON.stringify(text));
  for (const text of ['', ':', 'root:', ':root', 'a:b:c', 'a b', 'root\0', 'ro\x1bot', '../x', 'a\n', 'x'.repeat(300)])
    t.throws(() => checkUser(text), { instanceOf: UserError }, JSON.stringify(text));
});

test('every id there is, exactly', (t) => {
  const id = fc.integer({ min: 0, max: 4294967294 });
  fc.assert(fc.property(id, id, (uid, gid) => void t.deepEqual(checkUser(`${uid}:${gid}`), { text: `${uid}:${gid}`, uid, gid })));
  const more = fc.bigInt({ min: 4294967295n, max: 2n ** 70n });
  fc.assert(fc.property(more, (uid) => void t.throws(() => checkUser(String(uid)), { instanceOf: UserError })));
});
