import test from 'ava';
import fc from 'fast-check';
import { parseExactJson, stringifyExactJson } from '../../src/spec/json.js';

test('integers that JSON.parse would round stay exact', (t) => {
  t.deepEqual(parseExactJson('{"a": 18446744073709551615, "b": [-9223372036854775808, 9007199254740991, 9007199254740993]}'), {
    a: 18446744073709551615n,
    b: [-9223372036854775808n, 9007199254740991, 9007199254740993n],
  });
  t.is(
    stringifyExactJson({ a: 18446744073709551615n, b: '18446744073709551615' }),
    '{"a":18446744073709551615,"b":"18446744073709551615"}',
  );
});

test('digits in text, in keys and after escapes are text', (t) => {
  const text = String.raw`{"18446744073709551615": "18446744073709551615", "a\"": "\\", "b": "\" 18446744073709551615"}`;
  t.deepEqual(parseExactJson(text), JSON.parse(text));
});

test('what is no JSON is refused', (t) => {
  for (const text of ['', '{', '{"a": 018446744073709551615x}', '18446744073709551615 1', '"'])
    t.throws(() => parseExactJson(text), { instanceOf: SyntaxError }, text);
});

test('rounded afterwards it is what JSON.parse reads, and the text comes back', (t) => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
      const value: unknown = JSON.parse(text);
      const exact = parseExactJson(JSON.stringify(value, null, indent));
      t.deepEqual(JSON.parse(stringifyExactJson(exact)), value);
    }),
  );
});

test('bigints survive', (t) => {
  const big = fc.oneof(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }), fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }));
  const value = fc.dictionary(fc.string(), fc.array(fc.oneof(big, fc.string(), fc.integer())));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), (given, indent) => {
      t.deepEqual(Object.entries(parseExactJson(stringifyExactJson(given, indent)) as object), Object.entries(given));
    }),
  );
});
