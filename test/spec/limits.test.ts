import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { checkCpus, checkCpuset, cpuQuota, parseCpus } from '../../src/spec/cpus.js';
import { parseUlimit } from '../../src/spec/ulimit.js';
import { parseWhole } from '../../src/spec/whole.js';

test('ulimit', (t) => {
  t.deepEqual(parseUlimit('nofile=1024:2048'), { name: 'nofile', soft: 1024, hard: 2048 });
  t.deepEqual(parseUlimit('nofile=1024'), { name: 'nofile', soft: 1024, hard: 1024 });
  t.deepEqual(parseUlimit('core=0:-1'), { name: 'core', soft: 0, hard: -1 });
  t.deepEqual(parseUlimit('core=unlimited'), { name: 'core', soft: -1, hard: -1 });
  t.deepEqual(parseUlimit('as=9007199254740991'), { name: 'as', soft: 2 ** 53 - 1, hard: 2 ** 53 - 1 });
});

test('ulimit: what is refused', (t) => {
  t.is(t.throws(() => parseUlimit('nofil=1'), { instanceOf: UserError })?.hint, 'did you mean nofile?');
  t.throws(() => parseUlimit('nofile=2:1'), { message: /soft limit 2 is above the hard limit 1/ });
  for (const text of ['', 'nofile', 'nofile=', 'nofile=1:', 'nofile=1:2:3', 'nofile=-2', 'nofile=-1:5', 'nofile=1.5', 'nofile=9007199254740992', 'NOFILE=1', '__proto__=1', '=1', 'nofile= 1']) {
    t.throws(() => parseUlimit(text), { instanceOf: UserError }, text);
  }
});

test('cpus', (t) => {
  t.deepEqual(['0.5', '.5', '2', '1.', '0.01'].map(parseCpus), [0.5, 0.5, 2, 1, 0.01]);
  for (const text of ['', '0', '0.001', '-1', '1e1', 'x', '.', '0x1', 'Infinity', '1,5']) t.throws(() => parseCpus(text), { instanceOf: UserError }, text);
  t.is(cpuQuota(0.5), 50_000);
  t.is(cpuQuota(0.29), 29_000);
  t.is(checkCpus(2, 2), 2);
  t.throws(() => checkCpus(2.5, 2), { message: /more than this machine has \(2\)/ });
  for (const cpus of [Number.NaN, Infinity, -1, 0]) t.throws(() => checkCpus(cpus), { instanceOf: UserError });
});

test('cpuset', (t) => {
  for (const text of ['0', '0-1,3', '0,2,4-7', '8191']) t.is(checkCpuset(text), text);
  for (const text of ['', ',', '0,', '1-', '-1', '3-1', '0 1', '0-1-2', '8192', '0-99999', '0-999999999999', 'a', '0\n', '0-1:2']) t.throws(() => checkCpuset(text), { instanceOf: UserError }, text);
});

test('whole numbers', (t) => {
  t.is(parseWhole('pids-limit', '-1'), -1);
  t.is(parseWhole('pids-limit', '64'), 64);
  t.is(parseWhole('cpu-shares', '512'), 512);
  for (const text of ['0', '-2', '1.5', '', ' 1', '1e2', '4194305', '9'.repeat(30)]) t.throws(() => parseWhole('pids-limit', text), { instanceOf: UserError }, text);
  for (const text of ['1', '-1', '262145']) t.throws(() => parseWhole('cpu-shares', text), { instanceOf: UserError }, text);
});

test('limits are read back exactly', (t) => {
  const limit = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(limit, limit, (a, b) => {
      const [soft, hard] = a < b ? [a, b] : [b, a];
      t.deepEqual(parseUlimit(`nproc=${soft}:${hard}`), { name: 'nproc', soft, hard });
    }),
  );
});
