import test from 'ava';
import { isMindful, waitsForSignals } from '../src/container.js';

const TERM = 15;
const status = (masks: Partial<Record<'SigPnd' | 'SigBlk' | 'SigIgn' | 'SigCgt', string>>): string =>
  ['SigPnd', 'SigBlk', 'SigIgn', 'SigCgt'].map((name) => `${name}:\t${masks[name as 'SigPnd'] ?? '0'.repeat(16)}\n`).join('');

test('a signal that is handled, ignored on purpose or blocked is minded', (t) => {
  for (const mask of ['SigBlk', 'SigIgn', 'SigCgt'] as const) t.true(isMindful(status({ [mask]: '0000000000004000' }), TERM), mask);
});

test('any other is not: nothing set, another bit, only pending', (t) => {
  t.false(isMindful(status({}), TERM));
  t.false(isMindful(status({ SigCgt: '0000000000002000', SigIgn: '0000000000008000' }), TERM));
  t.false(isMindful(status({ SigPnd: '0000000000004000' }), TERM));
});

test('the last of 64 signals has a bit too', (t) => {
  t.true(isMindful(status({ SigCgt: '8000000000000000' }), 64));
});

test('a process in sigtimedwait(2) waits for signals', (t) => {
  t.true(waitsForSignals('128 0x7ffd 0x7ffe 0x0 0x8 0x0 0x0 0x7ffd 0x7f12', 'x64'));
  t.true(waitsForSignals('137 0x7ffd 0x7ffe 0x0 0x8 0x0 0x0 0x7ffd 0x7f12', 'arm64'));
  for (const other of ['running', '-1 0x7ffd 0x7f12', '137 0x0', '1280 0x0', '']) t.false(waitsForSignals(other, 'x64'), other);
});
