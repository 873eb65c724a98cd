import { writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { isAlive, parseStat } from '../../src/host/process.js';
import { layersOf } from '../../src/layer.js';
import { toHostPath } from '../../src/plan/step.js';
import { CorruptFile, parseJson } from '../../src/state/file.js';
import { decodeCgroups, decodeExit, decodeProcess, decodeRecord } from '../../src/state/record.js';
import { status } from '../../src/state/status.js';
import { read, readAll } from '../../src/state/store.js';
import { places, replaced } from '../spec/places.js';
import { fullRecord, leave, makeRoots, OTHER_BOOT } from './_sandbox.js';

const RECORD = fullRecord('box', {
  memoryLimit: 52428800,
  layer: toHostPath('/var/lib/crt/layers/box.0123456789abcdef'),
  cgroupPaths: [toHostPath('/sys/fs/cgroup/memory/box')],
  ids: 0x70000000,
  loosened: ['writable rootfs'],
});
const EXIT = { version: 1, exitCode: 137, signal: 'SIGKILL', reason: 'oom', finished: '2024-01-02T03:04:05.678Z' };
const CGROUPS = { version: 1, bootId: OTHER_BOOT, directories: [{ path: '/sys/fs/cgroup/memory/box', inode: 12 }] };
const PROCESS = { pid: 7, startTime: 9, bootId: OTHER_BOOT };

interface Kind {
  readonly file: string;
  readonly good: object;
  readonly decode: (value: unknown) => unknown;
}
const KINDS: readonly Kind[] = [
  { file: 'state.json', good: RECORD, decode: (value) => decodeRecord(value, 'box') },
  { file: 'exit.json', good: EXIT, decode: decodeExit },
  { file: 'cgroup.json', good: CGROUPS, decode: decodeCgroups },
  { file: 'pid', good: PROCESS, decode: decodeProcess },
];

/** The text of a state file through its decoder: what came of it, or undefined for one that is corrupt. Throws what else is thrown. */
function decodeText({ decode }: Kind, text: string): unknown {
  try {
    return decode(parseJson(text));
  } catch (error) {
    if (error instanceof CorruptFile && error.message.length < 200) return undefined;
    throw error;
  }
}

const json = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(-1, 0, 0.5, 1e308, 2 ** 53, '', '/', '/a\0b', '\u2028', [], {}, [[]], null, '../../etc', 'x'.repeat(70_000)),
);

for (const kind of KINDS) {
  const good = JSON.stringify(kind.good);

  test(`${kind.file}: any text is a record or corrupt, and nothing else`, (t) => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
    fc.assert(
      fc.property(anyText, (text) => void t.notThrows(() => decodeText(kind, text))),
      { numRuns: 500 },
    );
  });

  test(`${kind.file}: one field of any other value, and what is accepted comes back the same`, (t) => {
    const property = fc.property(fc.constantFrom(...places(kind.good)), json, (place, value) => {
      const decoded = decodeText(kind, JSON.stringify(replaced(kind.good, place, value)));
      // As crt writes it: with its version.
      if (decoded !== undefined) t.deepEqual(decodeText(kind, JSON.stringify({ version: 1, ...decoded })), decoded);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test(`${kind.file}: cut anywhere it is corrupt, and with any byte changed it is a record or corrupt`, (t) => {
    for (let length = 0; length < good.length; length++) t.is(decodeText(kind, good.slice(0, length)), undefined);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        t.notThrows(() => decodeText(kind, bytes.toString()));
      }),
      { numRuns: 500 },
    );
  });

  test(`${kind.file}: nested as deep as a file can be`, (t) => {
    const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;
    for (const place of places(kind.good)) {
      const text = JSON.stringify(replaced(kind.good, place, 'HERE')).replace('"HERE"', deep);
      t.is(decodeText(kind, text), undefined, place.join('.'));
    }
  });
}

test('whatever stands in the files of a state folder, it is one line of `crt ps`', (t) => {
  const roots = makeRoots(t);
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom('', '{}', '[]', 'null', JSON.stringify(RECORD), JSON.stringify(EXIT)),
  );
  const files = fc.dictionary(fc.constantFrom('state.json', 'exit.json', 'cgroup.json', 'pid', 'config.json', 'plan'), content);
  leave(roots, 'other', { 'state.json': fullRecord('other') });
  fc.assert(
    fc.property(files, (given) => {
      const directory = leave(roots, 'box', {});
      for (const [file, bytes] of Object.entries(given)) writeFileSync(`${directory}/${file}`, bytes);
      const entries = readAll(roots);
      t.deepEqual(
        entries.map(({ name }) => name),
        ['box', 'other'],
      );
      const entry = read(roots, 'box');
      t.true(entry !== undefined && ['creating', 'leftover', 'stopped', 'corrupt'].includes(status(entry)));
    }),
    { numRuns: 100 },
  );
});

test('whatever stands in the layers root, looking for layers of a name ends well', (t) => {
  const roots = makeRoots(t);
  const name = fc.stringMatching(/^[\w.-]{1,40}$/).filter((word) => word !== '.' && word !== '..');
  fc.assert(
    fc.property(name, (word) => void t.deepEqual(layersOf(roots, word), [])),
    { numRuns: 100 },
  );
});

test('a line of /proc/PID/stat: of any text, with any name of a process', (t) => {
  const rest = (start: number): string => `S ${Array.from({ length: 18 }, (_, at) => at).join(' ')} ${start} 0 0`;
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), fc.nat(), (comm, start) => {
      t.deepEqual(parseStat(`7 (${comm}) ${rest(start)}`), { state: 'S', startTime: start });
    }),
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void t.notThrows(() => parseStat(text))));
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.double(), fc.constant(Number.NaN)), fc.integer(), (pid, startTime) => {
      t.false(isAlive({ pid, startTime, bootId: OTHER_BOOT }));
    }),
  );
});
