import test from 'ava';
import { UserError } from '../../src/errors.js';
import { parseMount } from '../../src/spec/mount-flag.js';

const parse = (text: string) => parseMount(text, '/home/u');

test('binds', (t) => {
  const bind = { type: 'bind', source: '/a', target: '/b' } as const;
  t.deepEqual(parse('type=bind,source=/a,target=/b'), bind);
  t.deepEqual(parse('src=/a,dst=/b'), bind);
  t.deepEqual(parse('destination=/b,type=bind,source=/a,bind-propagation=rprivate,readonly=false'), bind);
  for (const word of ['readonly', 'ro', 'readonly=true', 'ro=1'])
    t.deepEqual(parse(`type=bind,source=/a,target=/b,${word}`), { ...bind, readonly: true });
  t.is(parse('source=./d,target=/b').source, '/home/u/d');
  t.is(parse('"source=/a,b",target=/b').source, '/a,b');
  t.is(parse('"source=/a""b",target=/b').source, '/a"b');
  t.is(parse('source=/a:b,target=/b').source, '/a:b');
  t.is(parse('source=/a=b,target=/b').source, '/a=b');
});

test('tmpfs', (t) => {
  t.deepEqual(parse('type=tmpfs,target=/x'), { type: 'tmpfs', target: '/x' });
  t.deepEqual(parse('type=tmpfs,target=/x,tmpfs-size=1g,tmpfs-mode=700,ro'), {
    type: 'tmpfs',
    target: '/x',
    readonly: true,
    size: 1073741824,
    mode: 0o700,
  });
});

test('a misspelt key suggests the right one', (t) => {
  t.is(t.throws(() => parse('type=bind,sorce=/a,target=/b'), { instanceOf: UserError })?.hint, 'did you mean source?');
});

test('what is refused', (t) => {
  const wrong = [
    '',
    'type=volume,source=x,target=/b',
    'type=bind,target=/b',
    'type=bind,source=,target=/b',
    'type=bind,source=/a',
    'source=x,target=/b',
    'source=/a,target=b',
  ];
  const more = [
    'source=/a,target=/b,target=/c',
    'source=/a,src=/b,target=/c',
    'source=/a,target=/b,',
    'source=/a,target=/b,readonly=maybe',
    'source,target=/b',
    'source=/a,target=/proc',
  ];
  const mixed = [
    'type=tmpfs,target=/x,source=/a',
    'type=bind,source=/a,target=/b,tmpfs-size=1',
    'source=/a,target=/b,bind-propagation=shared',
    '"source=/a,target=/b',
    'a"b"',
    ',source=/a,target=/b',
  ];
  for (const text of [...wrong, ...more, ...mixed, 'constructor=1,target=/b']) t.throws(() => parse(text), { instanceOf: UserError }, text);
});
