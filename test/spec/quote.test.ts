import test from 'ava';
import { quote, show } from '../../src/spec/quote.js';

test('plain text is only quoted', (t) => {
  t.is(quote('héllo wörld 日本 🙂'), '"héllo wörld 日本 🙂"');
  t.is(quote(''), '""');
});

test('what would fool a reader or a terminal is escaped', (t) => {
  t.is(quote('a"b\\c'), String.raw`"a\"b\\c"`);
  t.is(quote('\x1b[31m\r\n\t\x7f'), String.raw`"\x1b[31m\x0d\n\t\x7f"`);
  t.is(
    quote('\u202e\u2066\u200b\ufeff\u00a0\u2028\ud800\u0085\u3164'),
    String.raw`"\u{202e}\u{2066}\u{200b}\u{feff}\u{a0}\u{2028}\u{d800}\u{85}\u{3164}"`,
  );
});

test('long text is cut', (t) => {
  t.is(quote('x'.repeat(81)), `"${'x'.repeat(80)}…"`);
  t.is(quote('x'.repeat(80)), `"${'x'.repeat(80)}"`);
  t.is(quote('🙂'.repeat(4), 3), '"🙂🙂🙂…"');
});

test('values of other kinds', (t) => {
  t.deepEqual([1.5, Number.NaN, 5n, true, null, undefined, [], {}, () => 1].map(show), [
    '1.5',
    'NaN',
    '5',
    'true',
    'null',
    'undefined',
    'a list',
    'an object',
    'a function',
  ]);
});
