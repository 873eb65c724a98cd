import test from 'ava';
import { UserError } from '../src/errors.js';
import { update, withMemory } from '../src/update.js';

test('memory alone keeps the swap beside it', (t) => {
  t.deepEqual(withMemory({ memory: 70 }, { limit: 50, swap: 50 }), { memory: 70, memorySwap: 70 });
  t.deepEqual(withMemory({ memory: 70 }, { limit: 50, swap: 80 }), { memory: 70, memorySwap: 100 });
  t.deepEqual(withMemory({ memory: 70 }, { limit: 50, swap: -1 }), { memory: 70, memorySwap: -1 });
  t.deepEqual(withMemory({ memory: 70 }, { limit: undefined, swap: -1 }), { memory: 70, memorySwap: 70 }, 'as at a start');
  t.deepEqual(withMemory({ memory: 70 }, { limit: 50, swap: undefined }), { memory: 70, memorySwap: 70 });
});

test('swap alone keeps the memory; other limits touch neither', (t) => {
  t.deepEqual(withMemory({ memorySwap: 90 }, { limit: 50, swap: 50 }), { memory: 50, memorySwap: 90 });
  t.throws(() => withMemory({ memorySwap: 90 }, { limit: undefined, swap: -1 }), { instanceOf: UserError });
  t.deepEqual(withMemory({ cpus: 1 }, { limit: 50, swap: 50 }), { cpus: 1 });
});

test('no limit at all is refused before anything is looked at', (t) => {
  t.throws(() => update('box', {}), { instanceOf: UserError, message: /no limit was given/ });
  t.throws(() => update('box', { memory: undefined as unknown as number }), { message: /no limit was given/ });
});
