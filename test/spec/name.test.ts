import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { checkHostname, checkName } from '../../src/spec/name.js';

test('good names', (t) => {
  for (const name of ['box', 'B0x', '0', 'a_b.c-d', 'x'.repeat(63)]) t.is(checkName(name), name);
});

test('bad names are refused', (t) => {
  for (const name of [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '-x',
    '_x',
    'x y',
    'x\n',
    'x%s',
    'ü',
    'x'.repeat(64),
    '\0',
    'a\0',
    5,
    null,
    undefined,
    {},
    ['box'],
  ]) {
    const error = t.throws(() => checkName(name), { instanceOf: UserError }, String(name));
    t.truthy(error?.hint);
  }
});

test('a bad name is echoed escaped', (t) => {
  t.is(t.throws(() => checkName('a\x1b[2Jb'))?.message, String.raw`"a\x1b[2Jb" is not a container name: it holds "\x1b"`);
  t.is(t.throws(() => checkName('a\u202eb'))?.message, String.raw`"a\u{202e}b" is not a container name: it holds "\u{202e}"`);
  t.is(t.throws(() => checkName('a\nb'))?.message, String.raw`"a\nb" is not a container name: it holds "\n"`);
  t.regex(t.throws(() => checkName('../x'))?.message ?? '', /it holds "\/"/);
  t.true((t.throws(() => checkName('é'.repeat(100_000)))?.message.length ?? 0) < 300);
});

test('no message carries a control, bidirectional or unpaired character', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      try {
        t.regex(checkName(name), /^[\w.-]+$/);
      } catch (error) {
        t.true(error instanceof UserError);
        t.notRegex((error as UserError).message, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }
    }),
  );
});

test('hostnames', (t) => {
  for (const name of ['web-1.example', 'x'.repeat(64)]) t.is(checkHostname(name), name);
  for (const name of ['', '-x', 'a b', 'x'.repeat(65), 'a\n', 7])
    t.throws(() => checkHostname(name), { instanceOf: UserError, message: /^hostname: / });
});
