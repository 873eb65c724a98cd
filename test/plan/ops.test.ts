import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { OPS, opLines, opsHash } from '../../src/plan/ops.js';

test('helper/ops.def holds the same lines', (t) => {
  const text = readFileSync(fileURLToPath(new URL('../../helper/ops.def', import.meta.url)), 'utf8');
  const lines = [...text.matchAll(/^OP\((\w+), "([^"]+)", "([^"]+)", "([^"]*)"\)$/gm)].map(([, id, name, actors, operands]) => {
    t.is(id, name?.replaceAll('-', '_'));
    return `${name} ${actors} ${operands}`.trimEnd();
  });
  t.deepEqual(lines, opLines());
});

test('the hash is 64-bit FNV-1a over the lines', (t) => {
  let expected = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(
    opLines()
      .map((line) => `${line}\n`)
      .join(''),
  )) {
    expected = BigInt.asUintN(64, (expected ^ BigInt(byte)) * 0x100000001b3n);
  }
  t.is(opsHash(), expected);
});

test('a record has room for every op', (t) => {
  for (const [name, { operands }] of Object.entries(OPS)) {
    const kinds = operands
      .split(' ')
      .filter(Boolean)
      .map((word) => word.split(/[?:]/)[0] ?? '');
    const count = (...of: string[]): number => kinds.filter((kind) => of.includes(kind)).length;
    t.true(count('in', 'out') <= 4 && count('host', 'path', 'str', 'list', 'bytes') <= 4 && count('num') <= 3, name);
    t.is(count('in', 'out', 'host', 'path', 'str', 'list', 'bytes', 'num'), kinds.length, name);
  }
});
