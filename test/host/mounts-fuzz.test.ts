import test from 'ava';
import fc from 'fast-check';
import { findMount, holdingMount, type MountEntry, parseMounts, unescapeOctal } from '../../src/host/mounts.js';

/** As the kernel writes it (seq_path(), mangle()). */
const mangle = (text: string): string => text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

const name = fc.string({ unit: fc.constantFrom(...'ab ./-#\\\t\n0417'), maxLength: 8 });
const path = fc
  .array(
    name.map((word) => word.replaceAll('/', '')),
    { maxLength: 3 },
  )
  .map((words) => `/${words.filter((word) => word !== '').join('/')}`);
const word = fc.stringMatching(/^[a-z0-9=]{1,6}$/);
const options = fc.array(word, { minLength: 1, maxLength: 3 });

const entry: fc.Arbitrary<MountEntry> = fc.record({
  id: fc.nat(20),
  parent: fc.nat(20),
  device: fc.tuple(fc.nat(300), fc.nat(300)).map((numbers) => numbers.join(':')),
  root: path,
  mountpoint: path,
  options,
  fstype: word,
  source: name,
  superOptions: options,
});
const optional = fc.array(fc.constantFrom('shared:1', 'master:3', 'propagate_from:2', 'unbindable'), { maxLength: 3 });

function line(mount: MountEntry, fields: readonly string[]): string {
  const { id, parent, device, root, mountpoint, fstype, source, superOptions } = mount;
  const head = [id, parent, device, mangle(root), mangle(mountpoint), mount.options.join(','), ...fields];
  return [...head, '-', fstype, mangle(source), superOptions.join(',')].join(' ');
}

test('what the kernel writes is read back: any number of optional fields, any name', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(entry, optional), { maxLength: 8 }), (mounts) => {
      t.deepEqual(
        parseMounts(mounts.map(([mount, fields]) => line(mount, fields)).join('\n')),
        mounts.map(([mount]) => mount),
      );
    }),
    { numRuns: 500 },
  );
});

test('an escape is undone once', (t) => {
  fc.assert(fc.property(fc.string(), (text) => void t.is(unescapeOctal(mangle(text)), text)));
});

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom('1', '2', '0:1', '/', '/a', '-', 'rw', 'proc', ''), { maxLength: 14 }).map((words) => words.join(' ')),
);

test('any text is a list of mounts, and a search in it ends: with mounts that are their own ancestors too', (t) => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 8 }), path, (lines, where) => {
      const text = lines.join('\n');
      const found = findMount(where, text);
      t.true(found === undefined || parseMounts(text).some(({ id }) => Object.is(id, found.id)));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), path, (mounts, where) => {
      const found = holdingMount(where, mounts);
      t.true(found === undefined || mounts.includes(found));
    }),
    { numRuns: 500 },
  );
});
