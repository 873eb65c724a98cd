import test from 'ava';
import { nearest } from '../../src/spec/nearest.js';

const WORDS = ['memory', 'memory-swap', 'mount', 'tty', 'user', 'env'];

test('a slip finds its word', (t) => {
  const found = ['memroy', 'memor', 'memory_swap', 'moutn', 'tyt', 'usr', 'memorry'].map((word) => nearest(word, WORDS));
  t.deepEqual(found, ['memory', 'memory', 'memory-swap', 'mount', 'tty', 'user', 'memory']);
});

test('what is like nothing finds nothing', (t) => {
  for (const word of ['', 'x', 'privileged', 'x'.repeat(100_000)]) t.is(nearest(word, WORDS), undefined, word.slice(0, 10));
});
