import test from 'ava';
import fc from 'fast-check';
import { deviceProgram } from '../../src/device-filter/bpf.js';
import { deviceFilter } from '../../src/device-filter/rules.js';
import { deviceRules } from '../../src/spec/defaults.js';
import type { DeviceRule } from '../../src/spec/types.js';
import { runProgram } from './ebpf.js';
import { isAllowed, type Request, requests, rules } from './model.js';

const compile = (given: readonly DeviceRule[]): Uint8Array => deviceProgram(deviceFilter(given));
const char = (major: number, minor: number, access: string): Request => ({ type: 'c', major, minor, access });

test('the program answers as the rules mean it, for any rules and requests', (t) => {
  let [allowed, denied] = [0, 0];
  fc.assert(
    fc.property(rules, fc.array(requests, { minLength: 1, maxLength: 20 }), (given, asked) => {
      const program = compile(given);
      for (const request of asked) {
        const expected = isAllowed(given, request);
        if (expected) allowed += 1;
        else denied += 1;
        if (runProgram(program, request).answer !== Number(expected)) return false;
      }
      return true;
    }),
    { numRuns: 2000 },
  );
  t.true(allowed > 1000 && denied > 1000, `${allowed} ${denied}`);
});

test('the default rules: the usual devices, and making any node', (t) => {
  const program = compile(deviceRules());
  const answer = (request: Request): number => runProgram(program, request).answer;
  for (const [major, minor] of [
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
    [136, 0],
    [136, 4711],
  ] as const) {
    for (const access of ['r', 'w', 'rw', 'm']) t.is(answer(char(major, minor, access)), 1, `${major}:${minor} ${access}`);
    for (const access of ['r', 'w', 'rw']) t.is(answer({ type: 'b', major, minor, access }), 0, `b ${major}:${minor} ${access}`);
  }
  // mem, port, kmsg, a serial line, misc devices (tun, fuse, loop-control), a disk, a loop device.
  for (const [type, major, minor] of [
    ['c', 1, 1],
    ['c', 1, 4],
    ['c', 1, 11],
    ['c', 4, 64],
    ['c', 10, 200],
    ['c', 10, 229],
    ['c', 10, 237],
    ['b', 8, 0],
    ['b', 7, 0],
  ] as const) {
    for (const access of ['r', 'w', 'rw']) t.is(answer({ type, major, minor, access }), 0, `${type} ${major}:${minor} ${access}`);
    t.is(answer({ type, major, minor, access: 'm' }), 1, `${type} ${major}:${minor} m`);
  }
});

test('the program is small, and each request takes few steps', (t) => {
  const program = compile(deviceRules());
  t.true(program.length / 8 <= 64, String(program.length / 8));
  t.true(runProgram(program, char(1, 1, 'r')).steps <= 64);
});

test('what the kernel may add to the ways of use is not allowed by rules that name theirs', (t) => {
  const program = compile([{ allow: true, type: 'c', major: 1, minor: 1, access: 'rw' }]);
  t.is(runProgram(program, char(1, 1, 'rw')).answer, 1);
  t.is(runProgram(program, char(1, 1, 'rwm')).answer, 0);
});
