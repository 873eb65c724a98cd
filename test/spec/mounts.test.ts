import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { mergeMounts, toMounts } from '../../src/spec/mounts.js';

const at = (destination: string, source = 'x') => ({ destination, type: 'bind', source });

test('a bind is nosuid, nodev and private, whatever is asked for', (t) => {
  t.deepEqual(
    toMounts([
      { source: '/a', target: '/b' },
      { type: 'bind', source: '/a', target: '/c', readonly: true },
    ]),
    [
      { destination: '/b', type: 'bind', source: '/a', options: ['rbind', 'rprivate', 'nosuid', 'nodev'] },
      { destination: '/c', type: 'bind', source: '/a', options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'ro'] },
    ],
  );
});

test('tmpfs', (t) => {
  t.deepEqual(
    toMounts([
      { type: 'tmpfs', target: '/a' },
      { type: 'tmpfs', target: '/b', size: 4096, mode: 0o700, readonly: true },
    ]),
    [
      { destination: '/a', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=1777'] },
      { destination: '/b', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'ro', 'mode=700', 'size=4096'] },
    ],
  );
});

test('two mounts at one place are refused, in any spelling', (t) => {
  t.throws(
    () =>
      toMounts([
        { source: '/a', target: '/b' },
        { source: '/c', target: '/x/../b/' },
      ]),
    { instanceOf: UserError, message: /^mounts\[1\]: "\/b" is the place of mounts\[0\]/ },
  );
});

test('what a mount may not be', (t) => {
  const wrong = [
    { target: '/b' },
    { source: './a', target: '/b' },
    { source: '/a\0', target: '/b' },
    { source: '/a', target: '/b', size: 1 },
    { source: '/a', target: '/b', mode: 1 },
    { type: 'tmpfs', target: '/b', source: '/a' },
    { source: '/a', target: '/' },
    { source: '/a', target: '/proc/self' },
  ] as const;
  for (const mount of wrong) t.throws(() => toMounts([mount]), { instanceOf: UserError, message: /^mounts\[0\]/ }, JSON.stringify(mount));
});

test('a later group wins a place; folders come before what is in them', (t) => {
  const merged = mergeMounts(
    [at('/proc'), at('/dev'), at('/dev/shm')],
    [at('/etc/hosts'), at('/usr')],
    [at('/dev/shm', 'own'), at('/etc/hosts', 'own'), at('/data/sub'), at('/data'), at('/etc')],
  );
  t.deepEqual(
    merged.map(({ destination, source }) => `${destination} ${source}`),
    ['/proc x', '/dev x', '/usr x', '/data x', '/etc x', '/dev/shm own', '/etc/hosts own', '/data/sub x'],
  );
});

test('no mount hides one that was made before it', (t) => {
  const path = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const group = fc.uniqueArray(path).map((paths) => paths.map((destination) => at(destination)));
  fc.assert(
    fc.property(group, group, (extra, own) => {
      const places = mergeMounts([], extra, own).map(({ destination }) => destination);
      t.is(new Set(places).size, places.length);
      for (const [index, place] of places.entries()) t.false(places.slice(0, index).some((before) => before.startsWith(`${place}/`)));
    }),
  );
});
