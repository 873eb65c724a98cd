import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { mergeEnv, parseEnv, parseEnvFile } from '../../src/spec/env.js';

const CALLER = { HERE: 'yes', EMPTY: '' };

test('-e', (t) => {
  t.deepEqual(parseEnv('A=1', CALLER), { name: 'A', value: '1' });
  t.deepEqual(parseEnv('A=b=c', CALLER), { name: 'A', value: 'b=c' });
  t.deepEqual(parseEnv('A=', CALLER), { name: 'A', value: '' });
  t.deepEqual(parseEnv('HERE', CALLER), { name: 'HERE', value: 'yes' });
  t.deepEqual(parseEnv('EMPTY', CALLER), { name: 'EMPTY', value: '' });
  t.deepEqual(parseEnv('GONE', CALLER), { name: 'GONE', value: undefined });
  t.deepEqual(parseEnv('constructor', CALLER), { name: 'constructor', value: undefined });
  for (const text of ['', '=x', '=', 'A=\0']) t.throws(() => parseEnv(text, CALLER), { instanceOf: UserError }, JSON.stringify(text));
});

test('an environment file is read as docker reads it', (t) => {
  const content = '\uFEFF# comment\n\nA=1\r\n  B= "quoted" # no comment \n   # neither\nHERE\nGONE\nC==\n';
  t.deepEqual(parseEnvFile(content, 'x.env', CALLER), [
    { name: 'A', value: '1' },
    { name: 'B', value: ' "quoted" # no comment ' },
    { name: 'HERE', value: 'yes' },
    { name: 'GONE', value: undefined },
    { name: 'C', value: '=' },
  ]);
});

test('a bad line is named by its number', (t) => {
  t.regex(
    t.throws(() => parseEnvFile('A=1\nexport B=2', 'x.env', {}), { instanceOf: UserError })?.message ?? '',
    /^"x.env", line 2: the name "export B" holds a blank/,
  );
  t.regex(t.throws(() => parseEnvFile('=1', 'x.env', {}), { instanceOf: UserError })?.message ?? '', /line 1: "=1" has no name/);
  t.throws(() => parseEnvFile('A=\0', 'x.env', {}), { instanceOf: UserError, message: /NUL/ });
});

test('the last of a name wins; one that is not set here is dropped', (t) => {
  const merged = mergeEnv(['A=1', 'B=2', 'A=3', 'B', '__proto__=x'].map((text) => parseEnv(text, {})));
  t.deepEqual(Object.entries(merged), [
    ['A', '3'],
    ['__proto__', 'x'],
  ]);
});

test('every variable survives the file', (t) => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/);
  const value = fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\0]/.test(text));
  fc.assert(
    fc.property(fc.array(fc.record({ name, value })), (variables) => {
      t.deepEqual(parseEnvFile(variables.map((variable) => `${variable.name}=${variable.value}`).join('\n'), 'f', {}), variables);
    }),
  );
});
