import test from 'ava';
import { UserError } from '../../src/errors.js';
import { parseVolume } from '../../src/spec/volume.js';

const parse = (text: string) => parseVolume(text, '/home/u');

test('volumes', (t) => {
  t.deepEqual(parse('/a:/b'), { type: 'bind', source: '/a', target: '/b' });
  t.deepEqual(parse('/a:/b:ro'), { type: 'bind', source: '/a', target: '/b', readonly: true });
  t.deepEqual(parse('/a:/b:rw,rprivate'), { type: 'bind', source: '/a', target: '/b' });
  t.deepEqual(parse('/a:/b/../c//d/'), { type: 'bind', source: '/a', target: '/c/d' });
});

test('a relative folder is looked for where crt was called', (t) => {
  const source = (text: string) => parse(`${text}:/b`).source;
  t.deepEqual(['./x', '.', '..', '../x', './'].map(source), ['/home/u/x', '/home/u', '/home', '/home/x', '/home/u']);
});

test('named and anonymous volumes say what to type', (t) => {
  t.is(t.throws(() => parse('data:/data'), { instanceOf: UserError })?.hint, 'for the folder here write ./data');
  t.regex(t.throws(() => parse('~/x:/data'), { instanceOf: UserError })?.hint ?? '', /\$HOME/);
  t.throws(() => parse('/data'), { instanceOf: UserError, message: /volumes of its own/ });
  t.throws(() => parse(':/data'), { instanceOf: UserError, message: /names no folder/ });
});

test('options that crt has not are refused, each with its reason', (t) => {
  t.regex(t.throws(() => parse('/a:/b:z'), { instanceOf: UserError })?.message ?? '', /SELinux/);
  t.throws(() => parse('/a:/b:rshared'), { message: /host/ });
  for (const options of ['', 'readonly', 'ro,', 'ro,rw', 'RO', 'constructor', 'exec'])
    t.throws(() => parse(`/a:/b:${options}`), { instanceOf: UserError }, options);
  t.throws(() => parse('/a:/b:ro:x'), { message: /more than two/ });
});

test('places where nothing may be mounted', (t) => {
  for (const target of [
    '/',
    '//',
    '/.',
    '/x/..',
    '/proc',
    '/proc/',
    '/proc/sys',
    '/x/../proc/self',
    '//proc',
    '/dev',
    '/dev/pts/0',
    '/dev/fd',
    '/dev/null',
    '/sys',
    '/sys/fs/cgroup/x',
    'rel',
    '',
    './x',
    '/a\0b',
    `/${'x'.repeat(4096)}`,
  ]) {
    t.throws(() => parse(`/a:${target}`), { instanceOf: UserError }, target.slice(0, 20));
  }
  for (const target of ['/process', '/dev/shm', '/dev/log', '/device', '/system', '/etc/hosts', '/...'])
    t.is(parse(`/a:${target}`).target, target);
});
